"""A key looks a little different from every distance: what is added to it depends on how far away it is, not on where.

Only a few offsets are learned; beyond them, far is far.
"""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class RelativeAttention(nn.Module):
    """Dot-product attention that sees the offset of a key; Shaw et al., 2018, equations 2 and 4."""

    def __init__(self, d: int, clip: int) -> None:
        super().__init__()
        self.clip = clip
        self.offsets = nn.Embedding(2 * clip + 1, d)

    def forward(
        self,
        queries: Float[Tensor, "batch queries d"],
        keys: Float[Tensor, "batch keys d"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        i = torch.arange(queries.shape[1], device=queries.device)
        j = torch.arange(keys.shape[1], device=keys.device)
        rows = (j - i[:, None]).clamp(-self.clip, self.clip) + self.clip  # (queries, keys)
        content = queries @ keys.mT  # (batch, queries, keys)
        by_offset = queries @ self.offsets.weight.T  # (batch, queries, 2 * clip + 1)
        position = by_offset.gather(-1, rows.expand(len(queries), -1, -1))  # (batch, queries, keys)
        self.attention_weights = masked_softmax((content + position) / sqrt(queries.shape[-1]), valid_lens)
        return self.attention_weights @ values
