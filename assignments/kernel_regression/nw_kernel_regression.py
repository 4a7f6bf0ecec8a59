"""# Kernel regression that learns its width

Kernel pooling has one number that somebody must choose: how near is near? Choose it badly, and the estimate is either
nervous or blind. So let the data choose. Put a parameter `w` where one over the bandwidth was,

    weights = softmax over i of  -((x - x_i) w)^2 / 2

and pooling becomes a model that gradient descent can train. It is the smallest attention layer with something to
learn. With `w = 0` all samples count the same; the larger `|w|`, the narrower the kernel.

But on which question should it be trained? Ask it for the value at `x_i`, and give it all samples as keys: it will find
that one key fits perfectly, make the kernel as narrow as it can, and repeat the noise. So each sample must be predicted
from *all the others*. Then looking only at the nearest key no longer pays, and `w` stops where it serves best.

Write a class and two functions:

1. `NWKernelRegression()`, whose only parameter is `w`, `(1,)`, initially anywhere between 0 and 1.
   `forward(queries, keys, values)` takes `(n,)`, `(n, m)`, `(n, m)` to `(n,)`: each query has a row of keys and values
   of its own. The weights, `(n, m)`, stay in `self.attention_weights`, still part of the graph.
2. `leave_one_out(x, y)` takes samples `(n,)`, `(n,)` with `n >= 2` to keys and values, both `(n, n - 1)`. Row `i` holds
   all samples but number `i`, in the order in which they came. Two samples with the same `x` are still two samples.
3. `fit(model, x, y, *, steps, lr)` trains the model in place with `torch.optim.Adam`: the queries are all `x`, the
   targets all `y`, the keys and values the others. The loss is the *mean* squared error. It returns the list of the
   losses, as Python floats: one for each step, measured before that step's update.

*Beyond the book,* which sums the squared errors and takes plain gradient steps of its own: the arguments `x`, `y`,
`queries`, `keys` and `values` are left as they were, and float16 and bfloat16 come out as they went in.

Example: with `w = 0.5`, the query `[0.]`, the keys `[[0., 2.3548]]`, where 2.3548 is `2 * sqrt(2 ln 2)`, and the values
`[[3., 6.]]` the weights are `[[2/3, 1/3]]` and the output is `[4.]`. And `leave_one_out` of `x = [1., 2., 3.]` has the
keys `[[2., 3.], [1., 3.], [1., 2.]]`.

To try afterwards, with `given/noisy_curve.py`: fit 50 samples for 200 steps with `lr=0.2`, once like this and once with
all samples as keys for each. Compare the losses, then the curves. Which of the two numbers should one believe?
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class NWKernelRegression(nn.Module):
    """Attention over scalars, weights = softmax(-((x - x_i) w)^2 / 2)."""

    def __init__(self) -> None:
        super().__init__()
        ...

    def forward(
        self, queries: Float[Tensor, " n"], keys: Float[Tensor, "n m"], values: Float[Tensor, "n m"]
    ) -> Float[Tensor, " n"]:
        """One average per query, each over its own row of keys."""
        ...


def leave_one_out(
    x: Float[Tensor, " n"], y: Float[Tensor, " n"]
) -> tuple[Float[Tensor, "n n-1"], Float[Tensor, "n n-1"]]:
    """For each sample all the others, as keys and values."""
    ...


def fit(
    model: NWKernelRegression, x: Float[Tensor, " n"], y: Float[Tensor, " n"], *, steps: int, lr: float
) -> list[float]:
    """Train `model` in place; the mean squared error before each step."""
    ...
