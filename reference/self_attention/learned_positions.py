"""A position is a word too: it has an embedding, and training says what it means."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LearnedPositionalEncoding(nn.Module):
    """A vector for each position, learned, and added to the input; Gehring et al., 2017; Devlin et al., 2019."""

    def __init__(self, num_hiddens: int, dropout: float, max_len: int = 64) -> None:
        super().__init__()
        self.P = nn.Parameter(0.02 * torch.randn(1, max_len, num_hiddens))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, X: Float[Tensor, "batch positions num_hiddens"], offset: int = 0
    ) -> Float[Tensor, "batch positions num_hiddens"]:
        """X with the vectors of positions `offset`, `offset + 1`, ... added, in the dtype of X."""
        end = offset + X.shape[1]
        if end > self.P.shape[1]:
            raise ValueError(f"positions up to {end} asked for, but max_len is {self.P.shape[1]}")
        summed: Tensor = self.dropout(X + self.P[:, offset:end].to(X))
        return summed
