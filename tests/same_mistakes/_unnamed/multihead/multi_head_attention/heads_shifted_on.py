"""Each head gets the values of the next one."""

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
        q, k, v = (self.split(X) for X in (self.W_q(queries), self.W_k(keys), self.W_v(values)))
        lengths = None if valid_lens is None else valid_lens.repeat_interleave(self.num_heads, dim=0)
        v = v.unflatten(0, (-1, self.num_heads)).roll(1, 1).flatten(0, 1)
        return self.W_o(self.merge(self.attention(q, k, v, lengths)))

    def split(self, X):
        return torch.stack(X.chunk(self.num_heads, dim=-1), dim=1).flatten(0, 1)

    def merge(self, X):
        return torch.stack([torch.cat(list(heads), dim=-1) for heads in X.split(self.num_heads)])
