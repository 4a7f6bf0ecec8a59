"""# Scaled dot-product attention

When queries and keys have the same width, the dot product compares them with nothing to learn, and all pairs at once
are a single matrix product. It is the score inside every Transformer.

One detail makes it work. Take a query and a key of width `d` whose numbers are independent, with mean 0 and variance 1:
their dot product has variance `d`. At `d = 1024` scores would lie tens apart, the softmax would give everything to one
key, and its gradient would vanish. Dividing by the square root of `d` brings the variance back to 1 at any width.

Write the class `DotProductAttention`. It has no parameters.

* `queries` is `(batch, queries, d)`, `keys` `(batch, keys, d)` and `values` `(batch, keys, value_size)`; the score of a
  query and a key is their dot product divided by the root of `d`.
* Your `masked_softmax` turns scores into weights; `valid_lens` is for it. Store the weights, `(batch, queries, keys)`,
  as `self.attention_weights`: before dropout, and without cutting them off the graph.
* Dropout acts on the weights, in training only; then the weights average the values: `(batch, queries, value_size)`.
* What comes in may be float64, float32, bfloat16 or float16: what goes out has the same dtype. And the caller's tensors
  are the caller's, so leave them as they are.
* *Beyond the book:* a query that may look at no key (length 0) gets zeros as its weights and as its output, and sends
  no gradient anywhere, never NaN, in any of the four dtypes.

PyTorch has this as one function. It is closed here; write it yourself, it takes three lines.

Example: the query `[2, 0, 0, 0]` meets the keys `[1, 5, 5, 5]` and `[0, 9, 9, 9]`. The dot products are 2 and 0, the
width is 4, so the scores are 1 and 0 and the weights 0.731 and 0.269; the values 10 and 0 average to 7.31.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class DotProductAttention(nn.Module):
    """Attention whose score is the dot product of query and key, divided by the root of their width."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "batch queries size"],
        keys: Float[Tensor, "batch keys size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        ...
