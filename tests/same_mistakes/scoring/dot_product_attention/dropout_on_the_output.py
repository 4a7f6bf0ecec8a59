"""A functional dropout over the finished averages."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn
from torch.nn import functional


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.rate = dropout

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.bmm(queries, keys.transpose(2, 1)) / math.sqrt(queries.shape[-1])
        self.attention_weights = masked_softmax(scores, valid_lens)
        averages = torch.bmm(self.attention_weights, values)
        keep = torch.rand(averages.shape[::-1]).permute(2, 1, 0) >= self.rate
        if not self.training or self.rate == 0:
            return averages
        return functional.relu(averages) * keep / (1 - self.rate) - functional.relu(-averages) * keep / (1 - self.rate)
