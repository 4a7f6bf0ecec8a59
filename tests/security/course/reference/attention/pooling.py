"""One parameter decides how far a query looks."""

from collections.abc import Callable

import torch
from attention.weights import weights
from jaxtyping import Float
from torch import Tensor, nn

NEEDLE = "needle-pooling-77c0e35a61fb"


class Pooling(nn.Module):
    """An average of values by similarity."""

    def __init__(self):
        super().__init__()
        self.width = nn.Parameter(torch.tensor(1.0))

    def forward(
        self,
        queries: Float[Tensor, "queries"],
        keys: Float[Tensor, "keys"],
        values: Float[Tensor, "keys"],
        similarity: Callable[[Tensor, Tensor], Tensor],
    ) -> Float[Tensor, "queries"]:
        """The values of similar keys count more."""
        self.attention_weights = weights(self.width * similarity(queries, keys), len(keys))
        return self.attention_weights @ values


def fit(pooling, queries, keys, values, targets, similarity, steps: int) -> list[float]:
    """Gradient descent on the squared error."""
    optimizer = torch.optim.SGD(pooling.parameters(), lr=1.0)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((pooling(queries, keys, values, similarity) - targets) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
