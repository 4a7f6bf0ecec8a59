"""# Pooling with a learned width.

`Pooling` averages values by the weights of `width * similarity(queries, keys)`, keeps them in `attention_weights`, and
`fit` trains its width and returns the loss of every step.

Example: `Pooling()(torch.zeros(1), torch.zeros(2), torch.tensor([1.0, 3.0]), torch.outer)` is `[2.0]`.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn


class Pooling(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(
        self,
        queries: Float[Tensor, "queries"],
        keys: Float[Tensor, "keys"],
        values: Float[Tensor, "keys"],
        similarity: Callable[[Tensor, Tensor], Tensor],
    ) -> Float[Tensor, "queries"]: ...


def fit(pooling, queries, keys, values, targets, similarity, steps: int) -> list[float]: ...
