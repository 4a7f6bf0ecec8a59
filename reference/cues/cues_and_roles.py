"""Roles show in what the output does: it follows the values in size, the queries in order, and the keys in neither."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def identify_roles(
    attend: Callable[[Tensor, Tensor, Tensor], Tensor], lengths: tuple[int, int, int], size: int
) -> dict[int, str]:
    """Doubled values double the output; reversed queries reverse it; the keys are left."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, length, size, generator=generator) for length in lengths]
    output = attend(*inputs)

    def follows(argument: int, change: Callable[[Tensor], Tensor]) -> bool:
        """Whether the output undergoes the change that one argument does."""
        changed = [change(tensor) if i == argument else tensor for i, tensor in enumerate(inputs)]
        return torch.allclose(attend(*changed), change(output), atol=1e-5)

    values = next(i for i in range(3) if follows(i, lambda tensor: 2 * tensor))
    queries = next(i for i in {0, 1, 2} - {values} if follows(i, lambda tensor: tensor.flip(1)))
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
