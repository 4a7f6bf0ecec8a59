"""Two ways to a linear cost: give each token its neighbours only, or sum keys and values before any query comes."""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn


def local_attention(
    queries: Float[Tensor, "batch n size"],
    keys: Float[Tensor, "batch n size"],
    values: Float[Tensor, "batch n value_size"],
    window: int,
) -> Float[Tensor, "batch n value_size"]:
    """Scaled dot-product attention among tokens at most `window` apart; Beltagy et al., 2020."""
    n, size = queries.shape[1:]
    window = min(window, n)  # nobody is further away
    offsets = torch.arange(-window, window + 1, device=queries.device)
    neighbours = torch.arange(n, device=queries.device)[:, None] + offsets  # (n, 2 * window + 1)
    index = neighbours.clamp(0, n - 1)
    missing = index != neighbours  # beyond the ends
    scores = (queries[:, :, None] * keys[:, index]).sum(-1) / sqrt(size)  # (batch, n, 2 * window + 1)
    weights = scores.masked_fill(missing, -torch.inf).softmax(-1)
    return (weights[..., None] * values[:, index]).sum(2)


def linear_attention(
    queries: Float[Tensor, "batch n size"],
    keys: Float[Tensor, "batch m size"],
    values: Float[Tensor, "batch m value_size"],
    causal: bool = False,
) -> Float[Tensor, "batch n value_size"]:
    """Attention with the weights phi(q) . phi(k), normalised over the keys; Katharopoulos et al., 2020."""
    Q, K = nn.functional.elu(queries) + 1, nn.functional.elu(keys) + 1
    if not causal:
        return Q @ (K.mT @ values) / (Q @ K.sum(1)[..., None])
    memory = (K[..., None] * values[:, :, None]).cumsum(1)  # (batch, n, size, value_size)
    return torch.einsum("bnd,bndv->bnv", Q, memory) / (Q * K.cumsum(1)).sum(-1, keepdim=True)
