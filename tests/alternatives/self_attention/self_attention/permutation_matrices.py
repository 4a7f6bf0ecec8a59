"""Permutations as matrices; every trial is made, and the worst difference decides."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__()
        self.mha = MultiHeadAttention(
            key_size=num_hiddens,
            query_size=num_hiddens,
            value_size=num_hiddens,
            num_hiddens=num_hiddens,
            num_heads=num_heads,
            dropout=dropout,
        )

    def forward(self, X, valid_lens=None):
        return self.mha(X, X, X, valid_lens=valid_lens)


def is_permutation_equivariant(f, X, *, trials, generator):
    worst = 0.0
    for _ in range(trials):
        P = torch.eye(X.shape[1], dtype=X.dtype)[torch.randperm(X.shape[1], generator=generator)]
        difference = f(torch.einsum("ij,bjd->bid", P, X)) - torch.einsum("ij,bjd->bid", P, f(X))
        worst = max(worst, float(torch.linalg.vector_norm(difference, ord=torch.inf)))
    return worst < 5e-4
