"""The score of a query and a key is their dot product, divided by the root of their width.

The division keeps the variance of the scores of random vectors at 1, whatever the width, and so the softmax soft.
"""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class DotProductAttention(nn.Module):
    """Scaled dot-product attention; Vaswani et al., 2017, section 3.2.1."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        queries: Float[Tensor, "batch queries size"],
        keys: Float[Tensor, "batch keys size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        scores = torch.bmm(queries, keys.transpose(1, 2)) / sqrt(queries.shape[-1])  # (batch, queries, keys)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
