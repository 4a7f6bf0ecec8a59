"""A Gaussian kernel with a width for each feature: what does not help is made so wide that it no longer counts."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MyPooling(nn.Module):
    """Attention over vectors, weights = softmax(-|(q - k) * w|^2); `w` says how much each feature counts."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(num_features))

    def forward(
        self,
        queries: Float[Tensor, "queries features"],
        keys: Float[Tensor, "queries keys features"],
        values: Float[Tensor, "queries keys"],
    ) -> Float[Tensor, " queries"]:
        """One average per query, each over its own row of keys; `attention_weights` stay readable: (queries, keys)."""
        distances = (queries[:, None] - keys) * self.w  # (queries, keys, features)
        self.attention_weights = (-distances.square().sum(-1)).softmax(1)
        return (self.attention_weights * values).sum(1)
