"""A bandwidth is good when every sample can be told from the others: hide each from itself, and see how far one is off.

Hiding is a score of minus infinity. The softmax then shares all weight among the others, however far away they are.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


def loo_error(x: Float[Tensor, " n"], y: Float[Tensor, " n"], bandwidth: float) -> float:
    """The mean squared error of every sample predicted from all the others."""
    distances = (x[:, None] - x) / bandwidth  # (n, n)
    scores = (-(distances**2) / 2).fill_diagonal_(-torch.inf)
    return nn.functional.mse_loss(scores.softmax(1) @ y, y).item()


def select_bandwidth(x: Float[Tensor, " n"], y: Float[Tensor, " n"], grid: Float[Tensor, " widths"]) -> float:
    """The bandwidth in `grid` with the smallest leave-one-out error; of equally good ones the largest."""
    widths: list[float] = grid.tolist()
    return min(widths, key=lambda width: (loo_error(x, y, width), -width))
