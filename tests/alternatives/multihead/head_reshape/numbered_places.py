"""Number all places, reshape the numbers once, and pick the values by number."""

from __future__ import annotations

import torch


def _even(size, num_heads):
    if size % num_heads > 0:
        raise ValueError(f"{num_heads} heads in {size}?")
    return size // num_heads


def transpose_qkv(X, num_heads):
    """Row r is example r // num_heads and head r % num_heads."""
    batch, positions, hiddens = X.shape
    size = _even(hiddens, num_heads)
    row = torch.arange(batch * num_heads)[:, None, None]
    position = torch.arange(positions)[:, None]
    feature = row % num_heads * size + torch.arange(size)
    return X[row // num_heads, position, feature]


def transpose_output(X, num_heads):
    """Feature f is feature f % size of head f // size."""
    rows, positions, size = X.shape
    example = torch.arange(_even(rows, num_heads))[:, None, None]
    position = torch.arange(positions)[:, None]
    feature = torch.arange(num_heads * size)
    return X[example * num_heads + feature // size, position, feature % size]
