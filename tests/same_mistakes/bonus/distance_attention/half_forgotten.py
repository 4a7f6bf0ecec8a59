"""A baddbmm that takes the whole squared norms off."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class DistanceAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        norms = keys.pow(2).sum(2).unsqueeze(1)
        scores = torch.baddbmm(-norms, queries, keys.transpose(1, 2))
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
