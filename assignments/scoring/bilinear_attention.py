"""# Matrix multiplication for different lengths

A dot product needs two vectors of the same length. Additive attention gets around that with two projections, a sum of
every query with every key, a tanh and a scoring vector. But is all of that needed when a query of length 12 meets keys
of length 16? Could the score be made of matrix products alone, which is what hardware does best?

It can. A matrix `W` takes the query into the space of the keys, and there the two can be multiplied:

    score(q, k) = (W q) . k / sqrt(key_size)

This is linear in the query (for a fixed key) and linear in the key (for a fixed query), so it is called *bilinear*.
Nothing bends it: no bias, no tanh. Where `W` is the identity, it is the scaled dot product; in general `W` learns which
feature of a query is to be compared with which feature of a key.

Write the class `BilinearAttention(query_size, key_size, dropout)`:

* its only parameter is that of the submodule `W = nn.Linear(query_size, key_size, bias=False)`;
* `forward(queries, keys, values, valid_lens=None)` takes `(batch, queries, query_size)`, `(batch, keys, key_size)` and
  `(batch, keys, value_size)` to `(batch, queries, value_size)`; `valid_lens` is as in `masked_softmax`;
* the weights, after the softmax and before dropout, stay in `self.attention_weights`: `(batch, queries, keys)`, still
  part of the graph. Dropout then falls on the weights, as in the scorers that you wrote before;
* *Beyond the book:* a query without any valid key gets weights and an output of exactly 0; float16 and bfloat16 work;
  and the arguments are the caller's, so leave them as you found them.

Once it is right, it is trained on a small task, `given/recall.py`, with queries shorter than the keys: find the key
that the query came from, and say its class.

Example: with `query_size` 1, `key_size` 4 and a `W` of ones the query `[2.]` becomes `[2., 2., 2., 2.]`. With the keys
`[ln 3, 0, 0, 0]` and `[0, 0, 0, 0]` the scores are `2 ln 3 / sqrt(4) = ln 3` and `0`, so the weights are 3 to 1: with
the values `[4.]` and `[8.]` the output is `0.75 * 4 + 0.25 * 8 = 5`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class BilinearAttention(nn.Module):
    """Attention whose score is `(W q) . k / sqrt(key_size)`.

    >>> attention = BilinearAttention(query_size=12, key_size=16, dropout=0.0)
    >>> attention(torch.zeros(2, 3, 12), torch.zeros(2, 5, 16), torch.zeros(2, 5, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, query_size: int, key_size: int, dropout: float) -> None:
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "batch queries query_size"],
        keys: Float[Tensor, "batch keys key_size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`."""
        ...
