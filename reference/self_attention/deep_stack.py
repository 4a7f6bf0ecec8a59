"""Attention averages, and averages of averages look alike: how fast a deep stack loses what tells its tokens apart.

The mean cosine of all pairs of tokens says how much is lost; a residual connection keeps each token's own part in play.
"""

from __future__ import annotations

import torch
from given.blocks import AttentionBlock, random_tokens
from jaxtyping import Float
from torch import Tensor, nn


def token_similarity(X: Float[Tensor, "batch positions size"]) -> float:
    """The mean cosine of two different tokens of a sequence, over all pairs and all sequences."""
    directions = nn.functional.normalize(X, dim=-1)
    cosines = directions @ directions.mT  # (batch, positions, positions)
    different = ~torch.eye(X.shape[1], dtype=torch.bool, device=X.device)
    return cosines[:, different].mean().item()


@torch.no_grad()
def similarity_by_depth(depth: int, *, residual: bool, seed: int) -> list[float]:
    """The similarity of the tokens after each of `depth` attention blocks; Dong et al., 2021."""
    generator = torch.Generator().manual_seed(seed)
    X = random_tokens(generator)
    found = []
    for _ in range(depth):
        Y = AttentionBlock(generator)(X)
        X = X + Y if residual else Y
        found.append(token_similarity(X))
    return found
