"""# Four kernels

Long before attention, statisticians guessed the value at a new place from samples nearby: take the mean of all values,
and let each count by a *kernel* of its distance. The place is a query, the samples' places are keys, and their values
are values; only the score is fixed instead of learnt. Different kernels hold different opinions on how a sample's say
should fade, and you can watch what that does to the same data.

Write four kernels. Each takes a tensor of signed distances of any shape and returns a tensor of the same shape:

* `gaussian`: the exponential of minus half the square.
* `boxcar`: 1 where the distance is less than 1 in size, 0 elsewhere (at exactly 1, too).
* `epanechikov`: 1 minus the size of the distance, but never less than 0. (The book gives this name to the tent; you
  will also find a parabola under it.)
* `constant`: 1 everywhere.

Then write `nw(x_train, y_train, x_val, kernel)`, after Nadaraya and Watson. Samples lie at `x_train` with values
`y_train`, both `(samples,)`; `x_val`, `(queries,)`, says where to guess. `kernel` is any function like the four. Return
two tensors: the guesses, `(queries,)`, and the weights, `(queries, samples)`, whose rows sum to 1.

* *Beyond the book:* where no sample is near enough to count, the book divides 0 by 0. Say instead what an honest person
  would say without any evidence: the mean of all values, all weights equal. The book's `boxcar` answers with truth
  values; yours answers with numbers, and everything has the dtype of what came in. What came in stays as it is.

Example: samples at 0, 0.5 and 4 have the values 3, 6 and 30. At 0.25 the boxcar gives the first two the same weight, so
the guess is 4.5. At 0 the tent gives them 1 and 0.5, hence the weights 2/3, 1/3 and 0, and the guess 4. At 2.5 neither
sees anybody within a distance of 1: the guess is 13, the mean of all. The constant kernel guesses 13 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The bell."""
    ...


def boxcar(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """All or nothing."""
    ...


def epanechikov(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The tent."""
    ...


def constant(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """No opinion."""
    ...


def nw(
    x_train: Float[Tensor, " samples"],
    y_train: Float[Tensor, " samples"],
    x_val: Float[Tensor, " queries"],
    kernel: Callable[[Tensor], Tensor],
) -> tuple[Float[Tensor, " queries"], Float[Tensor, "queries samples"]]:
    """The guesses at `x_val`, and how much each sample counted for each of them."""
    ...
