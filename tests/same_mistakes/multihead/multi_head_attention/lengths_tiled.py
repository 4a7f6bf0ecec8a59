"""Heads inside each example, lengths copied as a block."""

import torch
from scoring.dot_product_attention import DotProductAttention
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
        rows = []
        for layer, X in ((self.W_q, queries), (self.W_k, keys), (self.W_v, values)):
            rows.append(torch.stack(layer(X).chunk(self.num_heads, dim=-1), dim=1).flatten(0, 1))
        lengths = None if valid_lens is None else torch.cat([valid_lens] * self.num_heads)
        found = self.attention(*rows, lengths)
        found = found.reshape(queries.shape[0], self.num_heads, queries.shape[1], -1)
        return self.W_o(torch.cat(found.unbind(1), dim=-1))
