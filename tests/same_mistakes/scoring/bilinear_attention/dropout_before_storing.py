"""Softmax and dropout in one line, and the result is kept."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn
from torch.nn import functional


class BilinearAttention(nn.Module):
    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.W = nn.Linear(query_size, key_size, bias=False)
        self.rate = dropout

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bqd,bkd->bqk", self.W(queries), keys) * keys.shape[-1] ** -0.5
        weights = masked_softmax(scores, valid_lens).transpose(1, 2).contiguous()
        self.attention_weights = functional.dropout(weights, self.rate, self.training).transpose(1, 2)
        return torch.einsum("bqk,bkv->bqv", self.attention_weights, values)
