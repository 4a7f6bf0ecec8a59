"""# Additive attention

How well does a key answer a query? If both are vectors of the same width, one could multiply them. But what if a query
has 20 numbers and a key has 2? Additive attention learns to compare them all the same: it projects both into one hidden
space, adds them there, bends the sum with a tanh, and lets a learned vector read a single number off the result:

    score(q, k) = w_v . tanh(W_q q + W_k k)

The tanh is what makes this attention. Without it, the query's part would be one constant added to the scores of all
keys, the softmax would not notice, and every query would get the same answer.

Write the class `AdditiveAttention`.

* Three linear maps without bias: `W_k` (keys to hidden), `W_q` (queries to hidden) and `w_v` (hidden to one number).
* `queries` is `(batch, queries, query_size)`, `keys` `(batch, keys, key_size)`, `values` `(batch, keys, value_size)`.
  Every query meets every key: let broadcasting build the sums of shape `(batch, queries, keys, num_hiddens)`, no loop.
* Your `masked_softmax` turns scores into weights; `valid_lens` is for it. Store the weights, `(batch, queries, keys)`,
  as `self.attention_weights`: before dropout, and without cutting them off the graph.
* Dropout acts on the weights, in training only; then the weights average the values: `(batch, queries, value_size)`.
* The caller's tensors stay as they are, and the output has their dtype.
* Take care of sizes of 1: a batch of one example, or one key, keeps its axis.
* *Beyond the book:* `valid_lens` may be left out, and a query that may look at no key (length 0) gets zeros as its
  weights and as its output, and sends no gradient anywhere, never NaN.

Example: with one feature, two hidden units and all weights 1, a query 1 meets the keys -1 and 0. The scores are
`2 * tanh(0) = 0` and `2 * tanh(1) = 1.523`, so the weights are 0.179 and 0.821; the values 0 and 10 average to 8.21.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class AdditiveAttention(nn.Module):
    """Attention whose score is `w_v . tanh(W_q q + W_k k)`."""

    def __init__(self, key_size: int, query_size: int, num_hiddens: int, dropout: float) -> None:
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "batch queries query_size"],
        keys: Float[Tensor, "batch keys key_size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        ...
