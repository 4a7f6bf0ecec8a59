"""A weighted average is a row of weights times a column of values, and `bmm` multiplies a whole batch of them at once.

Values of several numbers are columns side by side: the same product averages each of them.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def weighted_average(
    weights: Float[Tensor, "batch n"], values: Float[Tensor, "batch n"] | Float[Tensor, "batch n v"]
) -> Float[Tensor, " batch"] | Float[Tensor, "batch v"]:
    """The values of each example, summed under the weights of that example."""
    columns = values.reshape(*weights.shape, -1)  # (batch, n, v), and v = 1 for numbers
    averages = torch.bmm(weights.unsqueeze(1), columns)  # (batch, 1, v)
    return averages.reshape(len(weights), *values.shape[2:])  # (batch, v) or (batch,)
