"""Scores by einsum, divided by the root of all features."""

import math

import torch
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__()
        if num_hiddens % num_heads:
            raise ValueError("the heads cannot share out the features")
        self.num_heads = num_heads
        self.attention = DotProductAttention(dropout)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=bias)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=bias)
        self.W_v = nn.Linear(value_size, num_hiddens, bias=bias)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=bias)

    def forward(self, queries, keys, values, valid_lens=None):
        q, k, v = (
            layer(X).unflatten(-1, (self.num_heads, -1))
            for layer, X in ((self.W_q, queries), (self.W_k, keys), (self.W_v, values))
        )
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(self.W_q.out_features)
        lengths = None if valid_lens is None else valid_lens.repeat_interleave(self.num_heads, dim=0)
        weights = masked_softmax(scores.flatten(0, 1), lengths)
        self.attention.attention_weights = weights
        weights = self.attention.dropout(weights).unflatten(0, (-1, self.num_heads))
        return self.W_o(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))
