"""# Attention by distance

Kernel regression weighs a key by how near it is; the Transformer weighs it by a dot product. How far apart are the two?
Write the squared distance out,

    |q - k|^2 = |q|^2 - 2 q . k + |k|^2,

and look at which of its three parts differ from key to key. A softmax does not notice what is the same for all keys.

Write the class `DistanceAttention`, whose score is minus half the squared distance of query and key: the Gaussian
kernel of width 1. It has no parameters and does not divide by the root of anything.

* `queries` is `(batch, queries, d)`, `keys` `(batch, keys, d)`, `values` `(batch, keys, value_size)`; `valid_lens` is
  for your `masked_softmax`. Store the weights, `(batch, queries, keys)`, as `self.attention_weights`, before dropout.
* Dropout acts on the weights, in training only; then the weights average the values: `(batch, queries, value_size)`.
* Never make a difference for every pair: with one matrix product and the norms of the keys the scores are as cheap as
  those of dot-product attention, and the largest tensor has one number for each pair, not `d`.
* *Beyond the book:* the caller's tensors stay as they are.

Then see what normalised keys would do: if all keys are equally long, this *is* dot-product attention.

Example: the query 1 meets the keys 1 and 3. The distances are 0 and 2, the scores 0 and -2, the weights 0.881 and
0.119. From the dot products 1 and 3 and half the squared norms 0.5 and 4.5 come the scores 0.5 and -1.5: the same
weights.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class DistanceAttention(nn.Module):
    """Attention whose score is minus half the squared distance of query and key."""

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
