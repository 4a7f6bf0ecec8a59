"""Heads by a loop over slices of the projections; the checker makes all its lists first and compares at the end."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__()
        self.num_heads = num_heads
        self.drop = nn.Dropout(dropout)
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(num_hiddens, num_hiddens, bias=False) for _ in range(4))

    def forward(self, X, valid_lens=None):
        heads = []
        for q, k, v in zip(*(W(X).chunk(self.num_heads, -1) for W in (self.W_q, self.W_k, self.W_v)), strict=True):
            weights = masked_softmax(q @ k.mT / math.sqrt(q.size(-1)), valid_lens)
            heads.append(self.drop(weights) @ v)
        return self.W_o(torch.cat(heads, -1))


def is_permutation_equivariant(f, X, *, trials, generator):
    with torch.no_grad():
        orders = [torch.randperm(X.shape[1], generator=generator) for _ in range(trials)]
        permuted_inputs = [X[:, order] for order in orders]
        outputs = [f(x) for x in permuted_inputs]
        wanted = [f(X).gather(1, order.view(1, -1, 1).expand(X.shape)) for order in orders]
        return all(torch.allclose(a, b, atol=1e-5, rtol=1e-3) for a, b in zip(outputs, wanted, strict=True))
