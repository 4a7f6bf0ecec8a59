"""What is masked before the softmax takes no part in it."""

import torch
from jaxtyping import Float
from torch import Tensor

NEEDLE = "needle-reference-4b1d7c2f90ae"


def weights(scores: Float[Tensor, "queries keys"], length: int) -> Float[Tensor, "queries keys"]:
    """Softmax over the first `length` keys."""
    hidden = torch.arange(scores.shape[1]) >= length
    return scores.masked_fill(hidden, -torch.inf).softmax(-1)
