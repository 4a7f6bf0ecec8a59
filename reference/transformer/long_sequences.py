"""Attention is a ratio of two sums over the keys, and sums can be taken piece by piece.

Each piece is exponentiated relative to the largest score so far; when that grows, what was summed shrinks with it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt, sqrt
from typing import Any

import torch
from given.cost_counter import count_cost
from jaxtyping import Float
from torch import Tensor


def scaling_report(f: Callable[[int], Any], lengths: list[int]) -> dict[str, Any]:
    """Costs of `f(n)` for each length: `flops`, `largest`, and the `exponents` of both over the last three."""
    costs = [count_cost(f, n) for n in lengths]
    report = {"flops": [cost.flops for cost in costs], "largest": [cost.largest for cost in costs]}
    exponents = {name: _slope(lengths[-3:], figures[-3:]) for name, figures in report.items()}
    return {**report, "exponents": exponents}


def _slope(lengths: list[int], costs: list[int]) -> float:
    x, y = (torch.tensor(figures, dtype=torch.float64).log() for figures in (lengths, costs))
    x = x - x.mean()
    return ((x @ y) / (x @ x)).item()


def max_length_for(budget_elements: int, heads: int, batch: int) -> int:
    """The largest length whose attention weights, over all heads and examples, fit into the budget."""
    return isqrt(budget_elements // (heads * batch))


def chunked_attention(
    queries: Float[Tensor, "batch queries size"],
    keys: Float[Tensor, "batch keys size"],
    values: Float[Tensor, "batch keys value_size"],
    chunk: int,
) -> Float[Tensor, "batch queries value_size"]:
    """Scaled dot-product attention, `chunk` keys at a time; Milakov and Gimelshein, 2018; Dao et al., 2022."""
    queries = queries / sqrt(queries.shape[-1])
    largest = torch.full_like(queries[..., :1], -torch.inf)  # (batch, queries, 1)
    total = torch.zeros_like(largest)
    output = queries.new_zeros(*queries.shape[:2], values.shape[-1])  # (batch, queries, value_size)
    for some_keys, some_values in zip(torch.split(keys, chunk, 1), torch.split(values, chunk, 1), strict=True):
        scores = queries @ some_keys.mT  # (batch, queries, chunk)
        before, largest = largest, torch.maximum(largest, scores.amax(-1, keepdim=True))
        weights, shrink = (scores - largest).exp(), (before - largest).exp()
        total = shrink * total + weights.sum(-1, keepdim=True)
        output = shrink * output + weights @ some_values
    return output / total
