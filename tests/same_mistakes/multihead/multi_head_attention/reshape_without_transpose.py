"""One attention call over rows that `view` made of all features."""

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
        h = self.num_heads
        q, k, v = self.W_q(queries), self.W_k(keys), self.W_v(values)
        q, k, v = (X.contiguous().view(X.size(0) * h, X.size(1), X.size(2) // h) for X in (q, k, v))
        lengths = None if valid_lens is None else torch.stack([valid_lens] * h, dim=1).flatten(0, 1)
        heads = self.attention(q, k, v, lengths).chunk(len(queries))
        return self.W_o(torch.stack([torch.cat(list(rows), dim=-1) for rows in heads]))
