"""The score of a product is a product with the scoring vector in the middle."""

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
        scores = torch.einsum("bqd,d,bkd->bqk", queries, self.w.weight.squeeze(0), keys)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.einsum("bqk,bkv->bqv", self.dropout(self.attention_weights), values)


def query_effect(attention, queries, keys, values):
    attention(queries, keys, values)
    by_key = attention.attention_weights.permute(0, 2, 1).flatten(0, 1)
    return max(float(row.max() - row.min()) for row in by_key)


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
    right = attention(*inputs)[:, 0].argmax(1).eq(targets)
    return right.sum().item() / len(targets)
