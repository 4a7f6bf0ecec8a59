"""Of a squared distance the softmax sees the dot product and the key's norm; the query's is the same for all keys."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class DistanceAttention(nn.Module):
    """Attention whose score is minus half the squared distance of query and key."""

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
        norms = keys.square().sum(-1)[:, None]  # (batch, 1, keys)
        scores = torch.bmm(queries, keys.transpose(1, 2)) - norms / 2  # (batch, queries, keys)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
