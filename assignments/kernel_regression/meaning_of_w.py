"""# What the learned width means

`NWKernelRegression` has learned a number, say `w = 3.1`. What does it say? The kernel is `exp(-((x - x_i) w)^2 / 2)`.
Compare it with the one of `nw_pooling`, in which the distance is divided by a bandwidth, and `w` turns into a length on
the axis of `x`: how far away a sample may be and still be heard.

Another reading is in the heat map. A narrow kernel gives a sharp one, each query on a few keys; a wide kernel spreads
it out. How sharp a row of weights is can be measured by its *entropy*, the sum of `p log(1 / p)` over the weights `p`.
It is 0 when one key has everything, and `log n` when `n` keys share equally. So `exp` of it is a number of keys: over
how many does this query really average?

Write three functions:

1. `effective_bandwidth(w)`: the bandwidth with which `nw_pooling` gives the same weights as `NWKernelRegression` with
   this `w`, a tensor of shape `(1,)` or `()`, positive or negative. Returns a positive Python `float`.
2. `row_entropy(weights)` takes `(queries, keys)`, rows that sum to 1, to `(queries,)`: the entropy of each row with
   the natural logarithm. A weight of 0 adds nothing, and no NaN. Gradients flow through it.
3. `sharpness_curve(queries, keys, ws)` takes `(queries,)`, `(keys,)` and `(widths,)` to a tensor `(widths,)`: for each
   `w`, in the order in which they come, the mean over the queries of the entropy of their weights. At `w = 0`, where
   every key counts the same, that is `log` of the number of keys.

Before you plot the curve, guess: can it go up anywhere? There is a theorem, and a property that checks it.

*Beyond the book,* where the question stands without an answer: `effective_bandwidth` of `w = 0` is infinity, as the
limit says, and the arguments of all three functions are left as they were.

A written question waits beside this file, in `meaning_of_w.md`.

Example: `effective_bandwidth(torch.tensor([-4.]))` is `0.25`. The entropy of `[0.5, 0.5, 0]` is `log 2 = 0.693`, that
of `[0, 1, 0]` is 0. With the query `[0.]`, the keys `[-1., 1.]` and any `w` both keys are equally far, so every point
of the curve is `log 2`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from kernel_regression.average_and_kernel_pooling import nw_pooling
from kernel_regression.nw_kernel_regression import NWKernelRegression
from torch import Tensor


def effective_bandwidth(w: Float[Tensor, " 1"] | Float[Tensor, ""]) -> float:
    """The bandwidth of `nw_pooling` that does what this `w` does."""
    ...


def row_entropy(weights: Float[Tensor, "queries keys"]) -> Float[Tensor, " queries"]:
    """The entropy of each row in nats: 0 for a single key, log n for n keys alike."""
    ...


def sharpness_curve(
    queries: Float[Tensor, " queries"], keys: Float[Tensor, " keys"], ws: Float[Tensor, " widths"]
) -> Float[Tensor, " widths"]:
    """For each `w`, the mean entropy of the rows of the attention map."""
    ...
