"""A curve and noisy samples of it: the data of all kernel regression here.

The curve is `f(x) = 2 sin x + x**0.8`. Samples have `x` uniform in `[0, 5)`, sorted, and normal noise on `y`. Whoever
estimates the curve is judged on a grid of 100 points, against the curve itself, without noise.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

END = 5.0


def true_curve(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """What the samples scatter around."""
    return 2 * x.sin() + x**0.8


def noisy_samples(
    n: int, *, generator: torch.Generator, noise: float = 0.5
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """`x`, sorted, and `y`: `n` points near the curve, drawn from `generator`; `noise` is a standard deviation."""
    x = (END * torch.rand(n, generator=generator)).sort().values
    return x, true_curve(x) + noise * torch.randn(n, generator=generator)


def test_points() -> Float[Tensor, " 100"]:
    """The places at which an estimate is compared with the curve: 0, 0.05, ..., 4.95."""
    return torch.arange(0, END, 0.05)
