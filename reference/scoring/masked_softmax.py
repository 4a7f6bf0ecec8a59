"""Take the padded keys out before the softmax: a score of minus infinity is a weight of zero.

A row without a valid key would be 0/0; a second mask after the softmax makes it zeros, with zero gradients.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def masked_softmax(
    X: Float[Tensor, "batch queries keys"],
    valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
) -> Float[Tensor, "batch queries keys"]:
    """Softmax over the last axis of X among the first `valid_lens` keys of each row."""
    if valid_lens is None:
        return X.softmax(dim=-1)
    batch, _, keys = X.shape
    positions = torch.arange(keys, device=X.device)
    padded = positions >= valid_lens.reshape(batch, -1, 1)  # (batch, 1 or queries, keys)
    empty = padded.all(dim=-1, keepdim=True)
    scores = X.masked_fill(padded & ~empty, -torch.inf)  # an empty row keeps its scores: no NaN, not even in gradients
    return scores.softmax(dim=-1).masked_fill(padded, 0.0)
