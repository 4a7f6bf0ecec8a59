"""# When do two scorers agree?

In the book's little demonstrations additive and dot-product attention return exactly the same numbers. That looks like
a law of nature. It is an accident of the data: all keys there are equal. Change the keys and the two part company. This
exercise builds the instrument that shows it, then asks you to predict what it will say.

You are handed two scorers: `additive`, an `AdditiveAttention`, and `dot`, a `DotProductAttention`, both for keys as
wide as the queries. Call each with `(queries, keys, values, valid_lens)` and read its `attention_weights`
`(batch, queries, keys)`. (The graders make their scorers from the two imports below, so keep them in your file.)

1. `compare_scorers(additive, dot, queries, keys, values, valid_lens)` returns a dictionary. Only the valid keys of
   each row take part in it:
   * `"max_weight_gap"`, a `float`: the largest absolute difference between two corresponding weights;
   * `"both_uniform"`, a `bool`: in every row *both* scorers give each valid key the same weight, up to 1e-6;
   * `"same_ranking"`, a tensor `(batch, queries)` of booleans: do both put the valid keys in the same order, from
     the heaviest to the lightest? (Rows with ties are not asked for.)
   The report is about the scorers, not about luck: dropout plays no part in it, even in training mode.
2. `keys_that_agree(m, d)` returns float32 keys `(m, d)`, not all zero, on which *any* two scorers agree, whatever they
   learned.
3. `keys_that_disagree(additive, dot, queries, m)` returns finite keys `(1, m, d)` for queries `(1, queries, d)` and
   `m >= 2` on which these two differ by at least 0.2 in some weight. You may search, climb a gradient, or think:
   what does each score do when a key grows ten times longer?

*Beyond the book:* leave no traces, neither in the tensors, nor in the scorers' parameters, nor in their train or eval
mode. And an example of length 0 has nothing to compare: it changes neither the gap nor `both_uniform`.

A question to be answered in words is in `changed_keys.md`.

Example: one query, two valid keys and a padded one; additive weights `[0.5, 0.5, 0]`, dot-product weights
`[0.9, 0.1, 0]`. The gap is 0.4, `both_uniform` is False (one of the two is), and a tie has no ranking to speak of.

To think about: why do equal keys *force* uniform weights? And could training make two scorers agree on other keys?
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.additive_attention import AdditiveAttention
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor


def compare_scorers(
    additive: AdditiveAttention,
    dot: DotProductAttention,
    queries: Float[Tensor, "batch queries size"],
    keys: Float[Tensor, "batch keys size"],
    values: Float[Tensor, "batch keys value_size"],
    valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
) -> dict[str, float | bool | Tensor]:
    """Compare the weights that two scorers give to the valid keys.

    Returns the entries `"max_weight_gap"`, `"both_uniform"` and `"same_ranking"`.
    """
    ...


def keys_that_agree(m: int, d: int) -> Float[Tensor, "m d"]:
    """Keys, not all zero, to which every scorer gives the same weights."""
    ...


def keys_that_disagree(
    additive: AdditiveAttention, dot: DotProductAttention, queries: Float[Tensor, "1 queries d"], m: int
) -> Float[Tensor, "1 m d"]:
    """Keys for which some weight of the two scorers differs by 0.2 or more."""
    ...
