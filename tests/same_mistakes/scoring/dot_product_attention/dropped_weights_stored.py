"""One attribute for the weights, overwritten by what dropout left of them."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.p = dropout

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bqd,bkd->bqk", queries, keys) / math.sqrt(keys.shape[2])
        self.attention_weights = masked_softmax(scores, valid_lens)
        if self.training and self.p > 0:
            kept = torch.rand(self.attention_weights.mT.shape).mT > self.p
            self.attention_weights = self.attention_weights * kept / (1 - self.p)
        return torch.einsum("bqk,bkv->bqv", self.attention_weights, values)
