"""# A pooling of your own

So far a kernel compared numbers with numbers. Now samples have several features, and you do not know which of them
matter: `y` may hang on the first alone, and the others are noise. A kernel with one width for all cannot win. Narrow,
it finds hardly any sample that is near in *every* feature; wide, it blurs the one that counts. What would you let it
learn?

Design an attention pooling of your own: a class `MyPooling(num_features)` with at least one trainable parameter.

* `forward(queries, keys, values)` takes queries `(queries, features)`; keys `(queries, keys, features)`, a row of keys
  for each query; and values `(queries, keys)`, a number for each key. It returns `(queries,)`: for each query the
  average of its own values under its own weights.
* `attention_weights`, `(queries, keys)`, holds the weights of the last call, still part of the graph: none is negative,
  and each row sums to 1.
* The weights come from queries and keys alone. Values take no part in them: they are what we want to predict.
* Every feature can make a difference. So can every parameter, from its initial value on: at zero width, or behind
  a maximum, there is no slope that training could follow.
* Queries do not see each other, and the order of a query's keys does not matter. One query, one key, one feature: all
  are fine.

How you weigh is up to you. A natural first idea: give each feature a width of its own. Others work as well.

Then your pooling is trained, with Adam (0.1, 200 steps), on 100 noisy samples with three features, of which only one
matters, and nobody says which. Each sample is predicted from the 99 others; if it saw itself, it would learn to look at
nothing else. On new points the mean squared error against the true curve has to be at most 0.12; the best kernel with
one width for all features reaches about 0.2.

*Beyond the book,* which leaves all of this to you: in float64 and bfloat16 the output has the dtype of the inputs; a
query a thousand units away from all keys still gets finite weights that sum to 1; and the arguments are left as they
were.

Example: with widths 1 for the first feature and infinity for the second, the query `[0, 0]` is as far from the key
`[1, 9]` as from `[1, -5]`. Both get the weight 0.5, and values 2 and 4 give 3.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MyPooling(nn.Module):
    """An attention pooling that learns which features count."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "queries features"],
        keys: Float[Tensor, "queries keys features"],
        values: Float[Tensor, "queries keys"],
    ) -> Float[Tensor, " queries"]:
        """One average per query; `attention_weights` stay readable: (queries, keys)."""
        ...
