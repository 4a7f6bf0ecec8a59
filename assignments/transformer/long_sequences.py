"""# Very long sequences

A book has a hundred thousand words, a genome far more, and full attention lets every token look at every other. What
breaks first? Measure it, compute where the wall stands, and then walk around it: the weights of attention never have to
exist all at once.

Write three functions.

* `scaling_report(f, lengths)` runs `f(n)` for each length and counts with `count_cost`, which is given. It returns a
  dictionary: `flops` and `largest`, lists with one number for each length, and `exponents`, a dictionary with the same
  two keys. An exponent is the slope of the straight line, fitted by least squares, of the logarithm of the cost on the
  logarithm of the length, over the last three lengths: 1 for linear, 2 for quadratic. There are at least three.
* `max_length_for(budget_elements, heads, batch)` is the largest `n` for which the attention weights of all heads and
  examples, `batch * heads * n * n` numbers, fit into `budget_elements`. Budgets may be astronomic: stay exact.
* `chunked_attention(queries, keys, values, chunk)` equals scaled dot-product attention without a mask, exactly, but
  looks at `chunk` keys at a time and never holds more than `chunk` weights for a query. `queries` is
  `(batch, queries, d)`, `keys` `(batch, keys, d)`, `values` `(batch, keys, value_size)`, and none of them is changed.
  What comes in may be float64, float32, bfloat16 or float16: what goes out has the same dtype.

The third one is the idea behind FlashAttention. A softmax needs the largest score and the sum of all exponentials, and
neither is known before the last chunk. So keep, for every query, three things about the keys seen so far: their
largest score, the sum of their exponentials relative to it, and the sum of their values weighted by the same
exponentials. When a chunk brings a larger score, the old sums are on the wrong scale; correct them.

A question to be answered in words is in `long_sequences.md`.

Example: one query meets the scores 0 and 1, one at a time, with the values 10 and 20. After the first key: largest 0,
sum 1, weighted sum 10. The second has the score 1, so the old sums shrink by exp(-1): sum 0.368 + 1, weighted sum
3.68 + 20. The output is 23.68 / 1.368 = 17.31, which is what a softmax over both scores gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from given.cost_counter import count_cost
from jaxtyping import Float
from torch import Tensor


def scaling_report(f: Callable[[int], Any], lengths: list[int]) -> dict[str, Any]:
    """Costs of `f(n)` for each length: `flops`, `largest`, and the `exponents` of both over the last three."""
    ...


def max_length_for(budget_elements: int, heads: int, batch: int) -> int:
    """The largest length whose attention weights, over all heads and examples, fit into the budget."""
    ...


def chunked_attention(
    queries: Float[Tensor, "batch queries size"],
    keys: Float[Tensor, "batch keys size"],
    values: Float[Tensor, "batch keys value_size"],
    chunk: int,
) -> Float[Tensor, "batch queries value_size"]:
    """Scaled dot-product attention, `chunk` keys at a time."""
    ...
