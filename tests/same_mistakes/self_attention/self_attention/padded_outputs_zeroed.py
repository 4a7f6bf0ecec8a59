"""What stands at the padding is multiplied by zero."""

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
        output = self.attention(queries=X, keys=X, values=X, valid_lens=valid_lens)
        if valid_lens is None or valid_lens.dim() == 2:
            return output
        return torch.einsum("bpd,bp->bpd", output, (torch.arange(X.shape[1]) < valid_lens[:, None]).to(output))


def is_permutation_equivariant(f, X, *, trials, generator):
    with torch.no_grad():
        plain = f(X)
        for _ in range(trials):
            order = torch.randperm(X.shape[1], generator=generator)
            if (f(X[:, order]) - plain[:, order]).abs().max() > 1e-4:
                return False
    return True
