"""The learned `w` is one over a bandwidth, and the larger it is, the fewer keys a query averages over."""

from __future__ import annotations

import torch
from jaxtyping import Float
from kernel_regression.average_and_kernel_pooling import nw_pooling
from torch import Tensor


def effective_bandwidth(w: Float[Tensor, " 1"] | Float[Tensor, ""]) -> float:
    """The bandwidth of `nw_pooling` that does what this `w` does."""
    return 1 / w.abs().item() if w else torch.inf


def row_entropy(weights: Float[Tensor, "queries keys"]) -> Float[Tensor, " queries"]:
    """The entropy of each row in nats: 0 for a single key, log n for n keys alike."""
    return -torch.xlogy(weights, weights).sum(1)


def sharpness_curve(
    queries: Float[Tensor, " queries"], keys: Float[Tensor, " keys"], ws: Float[Tensor, " widths"]
) -> Float[Tensor, " widths"]:
    """For each `w`, the mean entropy of the rows of the attention map."""
    maps = [nw_pooling(queries, keys, keys, effective_bandwidth(w))[1] for w in ws]  # each (queries, keys)
    return torch.stack([row_entropy(weights).mean() for weights in maps])
