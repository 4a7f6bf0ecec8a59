"""A step of delta turns every hand of the clock by delta times its speed, wherever it points: a rotation of each pair.

So the encoding of a position is a fixed linear map away from that of its neighbour, which a layer can learn.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor


def shift_matrix(delta: int, num_hiddens: int) -> Float64[Tensor, "num_hiddens num_hiddens"]:
    """The matrix that takes the encoding of any position i to that of i + delta; Vaswani et al., 2017, section 3.5."""
    exponents = torch.arange(0, num_hiddens, 2, dtype=torch.float64) / num_hiddens
    angles = delta / 10000**exponents  # (pairs,)
    sin, cos = angles.sin(), angles.cos()
    rotations = torch.stack([cos, sin, -sin, cos], dim=1).reshape(-1, 2, 2)  # (pairs, 2, 2), for (sine, cosine)
    matrix: Tensor = torch.block_diag(*rotations)  # type: ignore[no-untyped-call]
    return matrix
