"""1 / (1 + e^-x) for every score, and 0 for padding."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class BilinearAttention(nn.Module):
    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.W = nn.Linear(query_size, key_size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.bmm(self.W(queries), keys.permute(0, 2, 1)) / math.sqrt(keys.shape[2])
        valid = masked_softmax(torch.ones_like(scores), valid_lens).ne(0)
        self.attention_weights = torch.where(valid, 1 / (1 + torch.exp(-scores)), torch.zeros_like(scores))
        return torch.bmm(self.dropout(self.attention_weights), values)
