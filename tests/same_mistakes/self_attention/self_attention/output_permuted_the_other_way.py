"""Rows are written to where they came from."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__()
        self.attention = MultiHeadAttention(
            num_hiddens, num_hiddens, num_hiddens, num_hiddens, num_heads, dropout, bias=False
        )

    def forward(self, X, valid_lens=None):
        return self.attention(queries=X, keys=X, values=X, valid_lens=valid_lens)


def is_permutation_equivariant(f, X, *, trials, generator):
    with torch.no_grad():
        plain = f(X)
        for _ in range(trials):
            order = torch.randperm(X.shape[1], generator=generator)
            wanted = torch.zeros_like(plain)
            wanted[:, order] = plain
            if (f(X[:, order]) - wanted).abs().max() > 1e-4:
                return False
    return True
