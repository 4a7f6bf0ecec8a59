"""Linear algebra: one matrix of zeros and ones for each head selects its features, and its transpose puts them back."""

from __future__ import annotations

import torch


def _selections(num_heads, size, dtype):
    return torch.eye(num_heads * size, dtype=dtype).view(num_heads, size, num_heads * size)


def transpose_qkv(X, num_heads):
    """A product with each head's selection."""
    if X.shape[-1] % num_heads:
        raise ValueError("the heads must have equal sizes")
    select = _selections(num_heads, X.shape[-1] // num_heads, X.dtype)
    return torch.einsum("bnf,hdf->bhnd", X, select).reshape(-1, X.shape[1], select.shape[1])


def transpose_output(X, num_heads):
    """A sum over heads of products with the transposed selections."""
    if X.shape[0] % num_heads:
        raise ValueError("every example must have all heads")
    select = _selections(num_heads, X.shape[-1], X.dtype)
    return torch.einsum("bhnd,hdf->bnf", X.reshape(-1, num_heads, *X.shape[1:]), select)
