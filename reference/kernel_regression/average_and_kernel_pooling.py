"""Two ways to guess a value from samples: their mean, or a mean in which near samples count more than far ones."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def average_pooling(y_train: Float[Tensor, " n"], num_queries: int) -> Float[Tensor, " queries"]:
    """The mean of all values, once for every query: attention that looks nowhere in particular."""
    return y_train.mean().repeat(num_queries)


def nw_pooling(
    queries: Float[Tensor, " queries"],
    keys: Float[Tensor, " keys"],
    values: Float[Tensor, " keys"] | Float[Tensor, "keys value_size"],
    bandwidth: float = 1.0,
) -> tuple[Float[Tensor, " queries"] | Float[Tensor, "queries value_size"], Float[Tensor, "queries keys"]]:
    """The values averaged under a Gaussian kernel, and the weights; Nadaraya, 1964, and Watson, 1964."""
    distances = (queries[:, None] - keys) / bandwidth  # (queries, keys)
    weights = (-(distances**2) / 2).softmax(1)
    return weights @ values, weights
