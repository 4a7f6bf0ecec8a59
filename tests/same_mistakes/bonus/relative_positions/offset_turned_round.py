"""A table of vectors for every pair, looked up number by number, with the query first."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class RelativeAttention(nn.Module):
    def __init__(self, d, clip):
        super().__init__()
        self.clip = clip
        self.offsets = nn.Embedding(2 * clip + 1, d)

    def forward(self, queries, keys, values, valid_lens=None):
        numbers = [
            [min(max(q - k, -self.clip), self.clip) + self.clip for k in range(keys.shape[1])]
            for q in range(queries.shape[1])
        ]
        seen = keys.unsqueeze(1) + self.offsets(torch.tensor(numbers))
        scores = torch.einsum("bqd,bqkd->bqk", queries, seen) / math.sqrt(queries.shape[2])
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.attention_weights, values)
