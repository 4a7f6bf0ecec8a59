"""Heads become examples: split the features into heads, move the head axis next to the batch, and merge the two.

The axis has to move before it merges; a bare reshape would mix the positions of one head with the features of another.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def transpose_qkv(
    X: Float[Tensor, "batch positions num_hiddens"], num_heads: int
) -> Float[Tensor, "batch*{num_heads} positions num_hiddens//{num_heads}"]:
    """Head i of example b becomes row `b * num_heads + i`, with its own slice of the features."""
    if X.shape[2] % num_heads:
        raise ValueError(f"{X.shape[2]} features cannot be split into {num_heads} equal heads")
    heads = torch.unflatten(X, 2, (num_heads, -1))  # (batch, positions, heads, head_size)
    return heads.transpose(1, 2).flatten(0, 1)  # (batch * heads, positions, head_size)


def transpose_output(
    X: Float[Tensor, "rows positions head_size"], num_heads: int
) -> Float[Tensor, "rows//{num_heads} positions head_size*{num_heads}"]:
    """The inverse of `transpose_qkv`: the heads of each example side by side again."""
    if X.shape[0] % num_heads:
        raise ValueError(f"{X.shape[0]} rows are not a whole number of examples with {num_heads} heads")
    heads = torch.unflatten(X, 0, (-1, num_heads))  # (batch, heads, positions, head_size)
    return heads.transpose(1, 2).flatten(2)  # (batch, positions, num_hiddens)
