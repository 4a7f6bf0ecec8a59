"""# Choosing a bandwidth

Kernel pooling has one number that nobody tells you: the bandwidth. Too narrow, and the estimate jumps after every noisy
sample; too wide, and it is the mean. Can the samples themselves say what is right?

Not by how well they are fitted. A very narrow kernel makes every sample its own best neighbour, the error is 0, and
nothing has been learned. So ask something harder: hide one sample, predict its `y` from all the others, and see how
far off you are; then hide the next one. The mean of the squared errors is the *leave-one-out error*. It can be
computed without knowing the curve, and yet its minimum lies near the bandwidth that is best for new points.

Write two functions, for `x` and `y` of shape `(n,)` with `n >= 2`, in any order, perhaps with the same `x` twice:

1. `loo_error(x, y, bandwidth)`: each sample is predicted by Gaussian kernel pooling, as in your `nw_pooling`, from the
   `n - 1` others; returns the mean of the squared errors, as a Python `float`.
2. `select_bandwidth(x, y, grid)`: of the bandwidths in the tensor `grid` `(widths,)`, which are in no particular order,
   the one with the smallest leave-one-out error, as a Python `float`. When several are equally good, the largest of
   them: the smoother of two explanations.

A sample far from all others must not break anything. Its nearest neighbour predicts it, as a softmax has it, not 0/0.

*Beyond the book,* which leaves the search to you: `x`, `y` and `grid` stay as they were, and may require gradients.

Then your choice is put to the test on 20 noisy curves (`given/noisy_curve.py`, 50 samples): it has to beat the book's
bandwidth of 1 on nearly all of them.

Example: the samples `(0, 1)`, `(1, 3)`, `(2, 3)` with a bandwidth so wide that all weights are equal. Without the first
the prediction is 3, without the second 2, without the third 2. The errors are 2, 1 and 1, so the result is
`(4 + 1 + 1) / 3 = 2`. With a very narrow one the nearest sample decides; the second has two equally near neighbours
and gets 2 again, the others get 3: `(4 + 1 + 0) / 3 = 1.667`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from kernel_regression.average_and_kernel_pooling import nw_pooling
from torch import Tensor


def loo_error(x: Float[Tensor, " n"], y: Float[Tensor, " n"], bandwidth: float) -> float:
    """The mean squared error of every sample predicted from all the others."""
    ...


def select_bandwidth(x: Float[Tensor, " n"], y: Float[Tensor, " n"], grid: Float[Tensor, " widths"]) -> float:
    """The bandwidth in `grid` with the smallest leave-one-out error; of equally good ones the largest."""
    ...
