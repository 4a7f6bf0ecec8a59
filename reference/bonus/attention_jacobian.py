"""Move the query, and attention moves by the covariance of the keys.

The derivative of a softmax-weighted mean with respect to the scores is the weight times the distance from the mean,
and the derivative of a score with respect to the query is the key: their product, summed, is a covariance.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def attention_jacobian(query: Float[Tensor, " d"], keys: Float[Tensor, "n d"]) -> Float[Tensor, "d d"]:
    """The derivative of `softmax(keys @ query) @ keys` with respect to the query."""
    weights = (keys @ query).softmax(dim=0)  # (n,)
    centred = keys - weights @ keys  # (n, d)
    return (weights * centred.T) @ centred  # (d, d)
