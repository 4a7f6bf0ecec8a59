"""The weights are handed to `masked_softmax` once more, as if they were scores."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        weights = torch.matmul(queries, keys.mT).div(math.sqrt(keys.size(-1)))
        for _ in range(2):
            weights = masked_softmax(weights, valid_lens)
        self.attention_weights = weights
        return torch.matmul(self.dropout(weights), values)
