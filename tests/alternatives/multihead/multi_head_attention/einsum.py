"""Heads as an axis of their own, contracted by einsum, under a boolean mask."""

import torch
from scoring.dot_product_attention import DotProductAttention
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__()
        self.num_heads = num_heads
        self.head_size, rest = divmod(num_hiddens, num_heads)
        if rest:
            raise ValueError(f"{num_hiddens} features, {num_heads} heads")
        self.attention = DotProductAttention(dropout)
        for name, size in (("W_q", query_size), ("W_k", key_size), ("W_v", value_size), ("W_o", num_hiddens)):
            setattr(self, name, nn.Linear(size, num_hiddens, bias=bias))

    def forward(self, queries, keys, values, valid_lens=None):
        shape = (self.num_heads, self.head_size)
        q = self.W_q(queries).unflatten(-1, shape) * self.head_size**-0.5
        k, v = self.W_k(keys).unflatten(-1, shape), self.W_v(values).unflatten(-1, shape)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k)
        if valid_lens is not None:
            lengths = valid_lens[:, None] if valid_lens.dim() == 1 else valid_lens
            valid = torch.arange(keys.shape[1], device=keys.device) < lengths[..., None]  # (batch, 1 or queries, keys)
            scores = scores.where(valid[:, None], torch.finfo(scores.dtype).min)
            weights = scores.softmax(-1) * valid[:, None]
        else:
            weights = scores.softmax(-1)
        self.attention.attention_weights = weights.flatten(0, 1)
        found = torch.einsum("bhqk,bkhd->bqhd", self.attention.dropout(weights), v)
        return self.W_o(found.flatten(2))
