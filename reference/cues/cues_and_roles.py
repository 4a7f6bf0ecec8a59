"""Roles show in what the output does: it follows the values in sign, the queries in order, and the keys in neither."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def identify_roles(
    attend: Callable[[Tensor, Tensor, Tensor], Tensor], lengths: tuple[int, int, int], size: int
) -> dict[int, str]:
    """Negated values negate the output; reversed queries reverse it; the keys are left."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, length, size, generator=generator) for length in lengths]
    output = attend(*inputs)

    def follows(i: int, change: Callable[[Tensor], Tensor]) -> bool:
        """Whether a change to argument `i` does the same to the output."""
        changed = [*inputs[:i], change(inputs[i]), *inputs[i + 1 :]]
        return torch.allclose(attend(*changed), change(output), atol=1e-5)

    values = next(i for i in range(len(inputs)) if follows(i, torch.neg))
    queries = next(i for i in range(len(inputs)) if follows(i, torch.fliplr))
    return dict.fromkeys(range(3), "keys") | {queries: "queries", values: "values"}


def decoding_roles() -> dict[str, str]:
    """What has been said so far asks; the source answers."""
    return {"query": "previous decoder state", "key": "encoder states", "value": "encoder states"}


def self_attention_roles() -> dict[str, str]:
    """Every position asks all positions of the same sequence."""
    return dict.fromkeys(("query", "key", "value"), "block inputs")


def cross_attention_roles() -> dict[str, str]:
    """Every target position asks; the source answers."""
    return {"query": "decoder positions", "key": "encoder states", "value": "encoder states"}
