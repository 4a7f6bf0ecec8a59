"""The recall task: say the class of the key that the query resembles.

Every example has 8 random keys of width 16. Each key's value is the one-hot code of a random class (several keys may
share one), and the query is one of the keys with a little noise. Averaging all values and naming the commonest class is
right about a third of the time; whoever compares the query with the keys is right almost always.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

NUM_KEYS, SIZE, NUM_CLASSES, NOISE = 8, 16, 8, 0.1


def recall_batch(
    batch_size: int, *, generator: torch.Generator
) -> tuple[
    Float[Tensor, "batch 1 size"],
    Float[Tensor, "batch keys size"],
    Float[Tensor, "batch keys classes"],
    Int[Tensor, " batch"],
]:
    """Queries, keys, values and the class to name, drawn from `generator`."""
    keys = torch.randn(batch_size, NUM_KEYS, SIZE, generator=generator)
    classes = torch.randint(NUM_CLASSES, (batch_size, NUM_KEYS), generator=generator)
    chosen = torch.arange(batch_size), torch.randint(NUM_KEYS, (batch_size,), generator=generator)
    queries = keys[chosen] + NOISE * torch.randn(batch_size, SIZE, generator=generator)
    return queries[:, None], keys, nn.functional.one_hot(classes, NUM_CLASSES).float(), classes[chosen]


def recall_loss(outputs: Float[Tensor, "batch 1 classes"], targets: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Cross-entropy: an average of one-hot values is already a probability for each class."""
    return nn.functional.nll_loss(outputs[:, 0].clamp_min(1e-6).log(), targets)
