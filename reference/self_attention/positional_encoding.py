"""A clock with many hands: each pair of features is one hand, and a position is the angles at which all of them point.

The hands turn at geometrically falling speeds; what is added to a token tells positions apart, near ones and far ones.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PositionalEncoding(nn.Module):
    """Fixed sines and cosines added to the input; Vaswani et al., 2017, section 3.5."""

    P: Float[Tensor, "1 max_len num_hiddens"]

    def __init__(self, num_hiddens: int, dropout: float, max_len: int = 1000) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        positions = torch.arange(max_len, dtype=torch.float64)[:, None]
        exponents = torch.arange(0, num_hiddens, 2, dtype=torch.float64) / num_hiddens
        angles = positions / 10000**exponents  # (max_len, pairs)
        pairs = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)  # (max_len, 2 * pairs)
        self.register_buffer("P", pairs[None, :, :num_hiddens].float())  # an odd width leaves out the last cosine

    def forward(
        self, X: Float[Tensor, "batch positions num_hiddens"], offset: int = 0
    ) -> Float[Tensor, "batch positions num_hiddens"]:
        """X with the encodings of positions `offset`, `offset + 1`, ... added, in the dtype of X."""
        end = offset + X.shape[1]
        if end > self.P.shape[1]:
            raise ValueError(f"positions up to {end} asked for, but max_len is {self.P.shape[1]}")
        summed: Tensor = self.dropout(X + self.P[:, offset:end].to(X))
        return summed
