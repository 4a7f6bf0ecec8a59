"""Consecutive queries are compared, in Python."""

import itertools

import torch
from given.recall import recall_batch, recall_loss
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import nn

__all__ = ["DotProductAttention", "SumAttention", "query_effect", "recall_accuracy"]


class SumAttention(nn.Module):
    def __init__(self, size, dropout):
        super().__init__()
        self.w = nn.Linear(size, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        pairs = queries.unsqueeze(2) + keys.unsqueeze(1)
        self.attention_weights = masked_softmax(self.w(pairs)[..., 0], valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)


def query_effect(attention, queries, keys, values):
    attention(queries, keys, values)
    largest = 0.0
    for example in attention.attention_weights.tolist():
        for before, after in itertools.pairwise(example):
            largest = max(largest, *(abs(a - b) for a, b in zip(after, before, strict=True)))
    return largest


def recall_accuracy(attention, *, seed=0):
    learned = list(attention.parameters())
    if learned:
        attention.train()
        adam, generator = torch.optim.Adam(learned, lr=0.01), torch.Generator().manual_seed(seed)
        for _ in range(200):
            *inputs, targets = recall_batch(64, generator=generator)
            adam.zero_grad()
            recall_loss(attention(*inputs), targets).backward()
            adam.step()
    attention.eval()
    *inputs, targets = recall_batch(1000, generator=torch.Generator().manual_seed(seed + 1))
    return attention(*inputs)[:, 0].argmax(1).eq(targets).double().mean().item()
