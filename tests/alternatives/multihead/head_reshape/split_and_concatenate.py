"""No axis is moved: cut the features into slices and stack them, cut the rows into examples and concatenate them."""

from __future__ import annotations

import torch


def transpose_qkv(X, num_heads):
    """Slices of the features, stacked behind the batch."""
    size, rest = divmod(X.size(-1), num_heads)
    if rest:
        raise ValueError(f"num_heads={num_heads} does not divide {X.size(-1)}")
    slices = X.split(size, dim=-1)
    return torch.cat([torch.stack([part[b] for part in slices]) for b in range(X.size(0))])


def transpose_output(X, num_heads):
    """The rows of each example, side by side."""
    if X.size(0) % num_heads != 0:
        raise ValueError(f"num_heads={num_heads} does not divide {X.size(0)}")
    return torch.stack([torch.cat(list(rows), dim=-1) for rows in X.split(num_heads)])
