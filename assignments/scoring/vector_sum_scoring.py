"""# Scoring by a sum of vectors

Is there a simpler score than a product? Add the two vectors and let a learned vector judge the sum:

    score(q, k) = w . (q + k)

It looks like additive attention without the tanh, it costs next to nothing, it trains without complaint. In this
exercise you build it, measure what is wrong with it, and find out why. Guess first: what changes when the query does?

1. Write the class `SumAttention(size, dropout)` for queries and keys of the same width. Its only parameter is that of
   the submodule `w = nn.Linear(size, 1, bias=False)`. `forward(queries, keys, values, valid_lens=None)` returns
   `(batch, queries, value_size)` and keeps the weights, before dropout, in `self.attention_weights`
   `(batch, queries, keys)`, still part of the graph. Mask and dropout are as in the scorers before.
2. Write `query_effect(attention, queries, keys, values)`: the largest absolute difference, as a `float`, between the
   weights that two queries of the same example give to the same key. It is 0 when it does not matter who asks.
3. Write `recall_accuracy(attention, *, seed=0)`: how often `attention` is right on the task in `given/recall.py`, as a
   `float` from 0 to 1. A module that has parameters is trained first, itself and not a copy: 200 steps of Adam with
   learning rate 1e-2 on `recall_loss`, a new `recall_batch` of 64 for each step, drawn from one generator seeded with
   `seed`. Then measure it, in evaluation mode, on a `recall_batch` of 1000 from a generator seeded with `seed + 1`. The
   predicted class is the one with the largest output.

The checks put `DotProductAttention` to your functions too, so keep its import in your file. *Beyond the book:* a query
without any valid key gets weights and an output of exactly 0; float16 works; tensors that were passed in stay as they
were, and `query_effect` leaves the module in the mode in which it found it.

A question to be answered in words is in `vector_sum_scoring.md`.

Example: with `w = [1, 1]` and the keys `[ln 3, 0]` and `[0, 0]`, the query `[0, 0]` scores `ln 3` and `0`, the query
`[5, 2]` scores `7 + ln 3` and `7`. The weights are 0.75 and 0.25 for both, so the query's effect is 0.

To think about: run `recall_accuracy` on both kinds of attention. What is the best that `SumAttention` can do, and why?
What is the least that you must add to the score to bring the query back, and what does that cost?
"""

from __future__ import annotations

import torch
from given.recall import recall_batch, recall_loss
from jaxtyping import Float, Int
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class SumAttention(nn.Module):
    """Attention whose score is `w . (q + k)`.

    >>> attention = SumAttention(size=16, dropout=0.0)
    >>> attention(torch.zeros(2, 3, 16), torch.zeros(2, 5, 16), torch.zeros(2, 5, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "batch queries size"],
        keys: Float[Tensor, "batch keys size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`."""
        ...


def query_effect(
    attention: SumAttention | DotProductAttention,
    queries: Float[Tensor, "batch queries size"],
    keys: Float[Tensor, "batch keys size"],
    values: Float[Tensor, "batch keys value_size"],
) -> float:
    """The largest difference that the choice of a query makes to the weight of any key."""
    ...


def recall_accuracy(attention: SumAttention | DotProductAttention, *, seed: int = 0) -> float:
    """Train `attention` on the recall task, if it has anything to train, and say how often it is right on new data."""
    ...
