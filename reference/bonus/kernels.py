"""Four opinions on how fast a sample's say should fade with its distance, and the weighted mean that follows from each.

Kernels need not be distributions: dividing by their sum makes weights of whatever they return. Only where they all
return 0 there is nothing to divide by, and then every sample counts alike.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A bell: everybody counts, the far ones hardly."""
    return (-(x**2) / 2).exp()


def boxcar(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """All or nothing: 1 nearer than 1, otherwise 0."""
    return (x.abs() < 1).to(x.dtype)


def epanechikov(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A tent: from 1 at distance 0 straight down to 0 at distance 1."""
    return (1 - x.abs()).relu()


def constant(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Everybody counts alike, however far."""
    return torch.ones_like(x)


def nw(
    x_train: Float[Tensor, " samples"],
    y_train: Float[Tensor, " samples"],
    x_val: Float[Tensor, " queries"],
    kernel: Callable[[Tensor], Tensor],
) -> tuple[Float[Tensor, " queries"], Float[Tensor, "queries samples"]]:
    """The mean of `y_train`, weighted by the kernel of the distances, at each of `x_val`; and the weights."""
    k = kernel(x_val[:, None] - x_train)  # (queries, samples)
    k = torch.where(k.any(1, keepdim=True), k, constant(k))
    weights = k / k.sum(1, keepdim=True)
    return weights @ y_train, weights
