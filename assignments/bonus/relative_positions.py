"""# Learned relative positions

Attention does not know where anything is: shuffle the keys, and the output is the same. The Transformer adds a position
to every token before attention begins, and a token then carries the number of its seat. But what matters in a sentence
is rarely that a word is the seventeenth. It matters that it is the one before, or three further on.

So let attention learn *offsets* instead. Query `i` stands at position `i`, key `j` at position `j`, both counted from
0, and `j - i` says how far the key is ahead of the query (behind it, when negative). Each offset has a learned vector,
and a key that is compared with a query has the vector of its offset added to it:

    score(i, j) = q_i . (k_j + a[j - i]) / sqrt(d)

What `a` learns for the offset -1 helps at every place of every sentence, also in sentences longer than any it has seen.
To keep the table small, offsets are clipped: everything that is `clip` or more ahead shares one vector, everything that
is `clip` or more behind another, so there are `2 * clip + 1` of them.

Write the class `RelativeAttention` with `__init__(d, clip)`, where `clip` is at least 0.

* Its only parameter is `offsets`, an `nn.Embedding` with `2 * clip + 1` rows of width `d`. The rows are in the order of
  the offsets: row 0 belongs to `-clip`, the row in the middle to 0, and the last one to `+clip`.
* `queries` is `(batch, queries, d)`, `keys` `(batch, keys, d)`, `values` `(batch, keys, value_size)`; there may be more
  queries than keys or fewer. Your `masked_softmax` turns scores into weights; `valid_lens` is for it.
* Store the weights, `(batch, queries, keys)`, as `self.attention_weights`, and do not cut them off the graph. The
  values are averaged under them as they are: positions only take part in the score.
* Output and weights have the dtype of the inputs (in a module that was moved to it), and what you create yourself is
  on the device of the inputs.
* *Beyond the book,* which asks for the idea and has no code: the caller's tensors stay as they are, and a query of
  length 0 gets zeros as its weights and its output, and sends no gradient anywhere.

Example: `d = 1`, `clip = 1`, the rows of `offsets` are `[-5.]`, `[0.]` and `[5.]`, all queries are 1 and all keys 0.
With three queries and three keys the scores are `[[0, 5, 5], [-5, 0, 5], [-5, -5, 0]]`: everyone looks ahead, the first
query at both keys in front of it alike, and the last one, who has nobody in front, at itself.

To try afterwards: a table of one vector for each query and each key has `queries * keys * d` numbers. There are only
`2 * clip + 1` different vectors, so how many different products does a query have with them? Can you do without the
table?
"""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class RelativeAttention(nn.Module):
    """Dot-product attention in which a key looks different from every distance."""

    def __init__(self, d: int, clip: int) -> None:
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "batch queries d"],
        keys: Float[Tensor, "batch keys d"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        ...
