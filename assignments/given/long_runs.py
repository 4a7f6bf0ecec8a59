"""Three computations whose cost grows differently with the length `n`, for trying `scaling_report` on."""

from __future__ import annotations

import torch
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor

SIZE = 32


def full_attention_run(n: int) -> Tensor:
    """Dot-product self-attention over `n` tokens of width 32: every token meets every other."""
    X = torch.ones(1, n, SIZE)
    output: Tensor = DotProductAttention(0.0).eval()(X, X, X)
    return output


def projection_run(n: int) -> Tensor:
    """Each of `n` tokens by itself through a 32 by 32 matrix."""
    return torch.ones(n, SIZE) @ torch.ones(SIZE, SIZE)


def matrix_product_run(n: int) -> Tensor:
    """The product of two `n` by `n` matrices."""
    return torch.ones(n, n) @ torch.ones(n, n)
