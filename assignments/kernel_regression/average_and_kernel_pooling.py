"""# Average and kernel pooling

You have samples `(x_i, y_i)` of an unknown curve, each `y_i` a little off, and are asked for the value at a new `x`.
What do you answer?

If you have no idea, you answer the mean of all `y_i`, whatever `x` is. That is not stupid: no other constant has a
smaller squared error. But it makes no use of the question.

In 1964 Nadaraya and Watson, independently of each other, had a better idea: average still, but let each sample count
the more, the nearer its `x_i` is to `x`. With a Gaussian for "near", the weight of sample `i` is

    w_i  =  exp(-((x - x_i) / h)^2 / 2)  /  sum over all j of exp(-((x - x_j) / h)^2 / 2)

and the estimate is the sum of `w_i y_i`. The bandwidth `h` says how far "near" reaches. Look at this with the eyes of
today: `x` is a *query*, each `x_i` is a *key* with the *value* `y_i`, and the weights are the softmax of a score, which
is minus half the squared distance. It is attention, fifty years before the word, and nothing in it is learned yet.

Write two functions:

1. `average_pooling(y_train, num_queries)` answers every query with the mean of `y_train`: `(num_queries,)`.
2. `nw_pooling(queries, keys, values, bandwidth=1.0)` takes `(queries,)`, `(keys,)`, and `(keys,)` or
   `(keys, value_size)`. It returns a pair: the estimates, `(queries,)` or `(queries, value_size)`, and the weights,
   `(queries, keys)`, each row of which sums to 1. Keys come in any order.

A query far away from all keys is a good test: every `exp` in the formula is then 0 to the computer, and 0/0 is no
answer. The formula itself has one, the value of the nearest key, and softmax knows how to find it. Gradients flow
through both results.

*Beyond the book:* float16 and bfloat16 come out as they went in, and the arguments are left as they were.

Example: with the keys `[0., 2.3548]`, where 2.3548 is `2 * sqrt(2 ln 2)`, the bandwidth 2 and the query `[0.]` the
scores are `0` and `-ln 2`, so the weights are `[[2/3, 1/3]]`. The values `[3., 6.]` then give `[4.]`.

To try afterwards, with the samples in `given/noisy_curve.py`: draw the estimate for the bandwidths 0.05, 0.3, 1 and 5.
Which of them would you trust, and what do the others do wrong?
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def average_pooling(y_train: Float[Tensor, " n"], num_queries: int) -> Float[Tensor, " queries"]:
    """The mean of all values, once for every query.

    >>> average_pooling(torch.tensor([1.0, 2.0, 6.0]), 2)
    tensor([3., 3.])
    """
    ...


def nw_pooling(
    queries: Float[Tensor, " queries"],
    keys: Float[Tensor, " keys"],
    values: Float[Tensor, " keys"] | Float[Tensor, "keys value_size"],
    bandwidth: float = 1.0,
) -> tuple[Float[Tensor, " queries"] | Float[Tensor, "queries value_size"], Float[Tensor, "queries keys"]]:
    """The values averaged under a Gaussian kernel, and the weights."""
    ...
