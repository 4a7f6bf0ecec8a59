"""The heads' projections as batched matrix products, without a transposition by hand."""

import torch
from scoring.dot_product_attention import DotProductAttention
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        if num_hiddens % num_heads:
            raise ValueError("num_hiddens must be divisible by num_heads")
        super().__init__()
        self.num_heads = num_heads
        self.attention = DotProductAttention(dropout)
        self.W_q, self.W_k, self.W_v, self.W_o = (
            nn.Linear(size, num_hiddens, bias=bias) for size in (query_size, key_size, value_size, num_hiddens)
        )

    def heads(self, layer, X):
        weight = layer.weight.reshape(1, self.num_heads, -1, X.shape[-1])
        split = X[:, None] @ weight.mT  # (batch, heads, positions, head_size)
        if layer.bias is not None:
            split = split + layer.bias.reshape(self.num_heads, 1, -1)
        return split.reshape(-1, *split.shape[2:])

    def forward(self, queries, keys, values, valid_lens=None):
        batch = len(queries)
        if valid_lens is not None:
            valid_lens = torch.stack([valid_lens] * self.num_heads, dim=1).flatten(0, 1)
        found = self.attention(
            self.heads(self.W_q, queries), self.heads(self.W_k, keys), self.heads(self.W_v, values), valid_lens
        )
        merged = torch.cat(found.reshape(batch, self.num_heads, *found.shape[1:]).unbind(1), dim=-1)
        return self.W_o(merged)
