"""# Do more samples help?

More data cannot hurt, one would think. Does kernel pooling get ever better, then, if only it is given more samples? Try
it, and the answer is: that depends on the bandwidth.

An estimate errs for two reasons. The noise of the samples is averaged out, and the more of them lie under the kernel,
the better. But the kernel also blurs the curve itself: it mixes in what lies to the left and to the right, and it would
do so even with infinitely many samples. A *fixed* bandwidth gets rid of the first error and keeps all of the second.
A bandwidth that *shrinks* as samples come in, slowly enough that more and more of them still lie under the kernel, gets
rid of both. Here you measure this, with the curve of `given/noisy_curve.py` and your own `nw_pooling`.

A *bandwidth rule* is a function that takes the `x` of the samples, `(n,)`, and returns a bandwidth, a Python float.
Write two functions that make rules, one that measures, and one that judges:

1. `fixed(h)` returns the rule that always says `h`; `shrinking(c)` the rule that says `c * sd * n**(-1/5)`, where `sd`
   is the standard deviation of `x` as `x.std()` computes it, and `n` is the number of samples.
2. `error_curve(sample_sizes, seeds, bandwidth)` returns a tensor `(len(sample_sizes), len(seeds))`. For its entry
   `i, j` draw `sample_sizes[i]` samples with `noisy_samples` and a new generator, `torch.Generator().manual_seed(seed)`
   for `seed = seeds[j]`; ask the rule for the bandwidth of these samples; estimate the curve at `test_points()`; and
   take the mean squared error against `true_curve`, which has no noise.
3. `verdict(curve_fixed, curve_shrinking)` judges two such tensors of at least two rows, *whose sample sizes double from
   row to row*. First average over the seeds; then return a dictionary with these keys:
   * `"fixed_has_floor"`, a bool: from the first row to the last, the fixed error falls by less than a quarter;
   * `"shrinking_improves"`, a bool: the shrinking error falls with every row, and the last is at most a quarter of the
     first;
   * `"slope"`, a float: the slope of the line, fitted by least squares, of the shrinking error's logarithm over the
     logarithm of `n`. If the error is proportional to `n**(-0.8)`, it is -0.8.

*Beyond the book,* which only asks the question: `verdict` leaves the curves as they were.

Example: `shrinking(0.5)(torch.tensor([0., 1., 2.]))` is `0.5 * 1 * 3**(-0.2) = 0.4014`. For a shrinking curve with the
rows `[0.8, 1.2]` and `[0.1, 0.3]` the means are 1 and 0.2, so it improves, and the slope is `ln 0.2 / ln 2 = -2.32`.

To try afterwards: sizes 50 to 1600, 20 seeds, `fixed(1.0)` and `shrinking(0.9)`. Then `fixed(0.3)`: has it a floor too?
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from jaxtyping import Float
from kernel_regression.average_and_kernel_pooling import nw_pooling
from torch import Tensor


def fixed(h: float) -> Callable[[Tensor], float]:
    """The rule that always says `h`."""
    ...


def shrinking(c: float) -> Callable[[Tensor], float]:
    """The rule that says `c * sd * n**(-1/5)`."""
    ...


def error_curve(
    sample_sizes: list[int], seeds: list[int], bandwidth: Callable[[Tensor], float]
) -> Float[Tensor, "sizes seeds"]:
    """The mean squared error of kernel pooling against the curve, for samples of each size from each seed."""
    ...


def verdict(
    curve_fixed: Float[Tensor, "sizes seeds"], curve_shrinking: Float[Tensor, "sizes seeds"]
) -> dict[str, bool | float]:
    """What two curves say, whose sizes double from row to row."""
    ...
