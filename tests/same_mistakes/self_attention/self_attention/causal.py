"""Heads by einsum, under a lower triangle."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__()
        self.attention = MultiHeadAttention(*4 * [num_hiddens], num_heads, dropout)
        self.num_heads = num_heads
        self.dropout = nn.Dropout(dropout)

    def forward(self, X, valid_lens=None):
        parts = self.attention
        batch, steps, size = X.shape
        shape = batch, steps, self.num_heads, size // self.num_heads
        q, k, v = parts.W_q(X).view(shape), parts.W_k(X).view(shape), parts.W_v(X).view(shape)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / shape[-1] ** 0.5
        seen = torch.ones(batch, 1, 1, steps, dtype=torch.bool)
        if valid_lens is not None:
            seen = torch.arange(steps) < valid_lens.view(batch, 1, -1, 1)
        seen = seen & torch.ones(steps, steps, dtype=torch.bool).tril()
        weights = scores.masked_fill(~seen, -1e4).softmax(-1) * seen
        mixed = torch.einsum("bhqk,bkhd->bqhd", self.dropout(weights), v)
        return parts.W_o(mixed.reshape(batch, steps, size))


def is_permutation_equivariant(f, X, *, trials, generator):
    with torch.no_grad():
        plain = f(X)
        for _ in range(trials):
            order = torch.randperm(X.shape[1], generator=generator)
            if (f(X[:, order]) - plain[:, order]).abs().max() > 1e-4:
                return False
    return True
