"""# What each head looks at

A multi-head layer makes several attention maps at once, and each head may have found its own thing to look at: the
token itself, its neighbour, everything evenly. You cannot see it in the output, where the heads are already mixed. So
open the layer: take its heads apart, one picture each, and then sum up every picture in three numbers, because
nobody wants to look at a hundred heat maps.

1. `head_attention_maps(mha, queries, keys, values, valid_lens=None)` runs your `MultiHeadAttention` and returns the
   weights of every head, `(batch, heads, queries, keys)`. The layer leaves them in `mha.attention.attention_weights`
   as `(batch * heads, queries, keys)`; recall in which order `transpose_qkv` put the rows there. The maps are for
   looking at: detached from the graph, on the CPU, the weights before dropout whether or not the layer is training.
2. `describe_heads(maps)` takes such maps and returns a dictionary of tensors `(heads,)`, each an average over all
   examples and queries:
   * `"entropy"`: minus the sum over keys of `w log w`, in nats. 0 for a head that picks one key, `log(keys)` for one
     that cannot decide. Padding has weight 0, and there `0 log 0` counts as 0;
   * `"diagonality"`: the weight a position gives to itself. Only self-attention, whose maps are square, can be asked
     this: for other maps the entry may hold anything;
   * `"distance"`: how far the head looks, `|query - key|` averaged under the weights, both counted from 0.

*Beyond the book:* looking must not disturb what is looked at. Leave the tensors and the layer as they were, its train
or eval mode too. And a query without a single valid key has a row of zeros: it must not turn the numbers of its head,
or of any other, into NaN.

Example: for one example of two positions, a head with the map `[[1, 0], [0, 1]]` has entropy 0, diagonality 1 and
distance 0; a head with `[[.5, .5], [.5, .5]]` has entropy log 2 = 0.693, diagonality 0.5 and distance 0.5.

To try afterwards: plot the maps of a layer you trained, sort its heads by distance, and look at both ends.
(The graders make their layers from the import below, so keep it in your file.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor


def head_attention_maps(
    mha: MultiHeadAttention,
    queries: Float[Tensor, "batch queries query_size"],
    keys: Float[Tensor, "batch keys key_size"],
    values: Float[Tensor, "batch keys value_size"],
    valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
) -> Float[Tensor, "batch heads queries keys"]:
    """The attention weights of every head, detached and on the CPU."""
    ...


def describe_heads(maps: Float[Tensor, "batch heads queries keys"]) -> dict[str, Float[Tensor, " heads"]]:
    """The entries `"entropy"`, `"diagonality"` and `"distance"`, one number per head in each."""
    ...
