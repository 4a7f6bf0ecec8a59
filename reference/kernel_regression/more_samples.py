"""More samples help exactly as far as the bandwidth lets them: noise averages out, the blur of a wide kernel stays."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from jaxtyping import Float
from kernel_regression.average_and_kernel_pooling import nw_pooling
from torch import Tensor


def fixed(h: float) -> Callable[[Tensor], float]:
    """The rule that always says `h`."""
    return lambda _: h


def shrinking(c: float) -> Callable[[Tensor], float]:
    """The rule that says `c * sd(x) * n**(-1/5)`; Silverman, 1986, section 3.4."""
    return lambda x: c * x.std().item() * len(x) ** (-1 / 5)


def error_curve(
    sample_sizes: list[int], seeds: list[int], bandwidth: Callable[[Tensor], float]
) -> Float[Tensor, "sizes seeds"]:
    """The mean squared error of kernel pooling against the curve, for samples of each size from each seed."""
    queries = test_points()

    def error(n: int, seed: int) -> Float[Tensor, ""]:
        x, y = noisy_samples(n, generator=torch.Generator().manual_seed(seed))
        estimates, _ = nw_pooling(queries, x, y, bandwidth(x))
        return (estimates - true_curve(queries)).square().mean()

    return torch.stack([torch.stack([error(n, seed) for seed in seeds]) for n in sample_sizes])


def verdict(
    curve_fixed: Float[Tensor, "sizes seeds"], curve_shrinking: Float[Tensor, "sizes seeds"]
) -> dict[str, bool | float]:
    """What two curves say, whose sizes double from row to row."""
    flat, falling = curve_fixed.mean(1), curve_shrinking.mean(1)  # (sizes,)
    log_n = math.log(2) * torch.arange(len(falling), dtype=falling.dtype)
    log_n -= log_n.mean()
    return {
        "fixed_has_floor": bool(flat[-1] > 0.75 * flat[0]),
        "shrinking_improves": bool((falling.diff() < 0).all() and falling[-1] <= 0.25 * falling[0]),
        "slope": (log_n @ falling.log() / log_n.square().sum()).item(),
    }
