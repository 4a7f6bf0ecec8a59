"""# Heads into the batch and back

Multi-head attention runs the same attention several times side by side, each head on its own slice of the features. A
loop over the heads would do, but there is a better way: attention treats the examples of a batch independently anyway,
so let each head of each example *be* an example. Then one call attends for all heads at once, and no code for attention
has to know that heads exist. All it takes is to move numbers, without changing a single one.

Write two functions:

* `transpose_qkv(X, num_heads)` takes `(batch, positions, num_hiddens)` to `(batch * heads, positions, head_size)` with
  `head_size = num_hiddens / num_heads`. Head `i` owns the features from `i * head_size` up to, but without,
  `(i + 1) * head_size`. Head `i` of example `b` becomes row `b * num_heads + i`: the heads of an example stay together.
* `transpose_output(X, num_heads)` is its inverse: it takes `(batch * heads, positions, head_size)` back to
  `(batch, positions, num_hiddens)`, each head's features in their old place.

Beware of a plain `reshape` to the wanted shape. It runs without complaint and gives the right shape, because it only
reads the numbers in memory order and cuts them anew: positions of one head get mixed with features of another.
The numbers may also lie in memory in another order than the axes suggest, as they do after a transpose.

Example: one example with two positions of four features, `[[0, 1, 2, 3], [4, 5, 6, 7]]`, becomes with two heads the two
rows `[[0, 1], [4, 5]]` and `[[2, 3], [6, 7]]`. A bare `reshape` would give `[[0, 1], [2, 3]]` first: both heads of the
first position, and nothing of the second.

*Beyond the book.* The book leaves it to `reshape` to fail when the numbers do not come out even. Raise a `ValueError`
that says what is wrong when `num_heads` does not divide the features, or the rows of what comes back. And what you are
given belongs to the caller: do not write into it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def transpose_qkv(
    X: Float[Tensor, "batch positions num_hiddens"], num_heads: int
) -> Float[Tensor, "batch*{num_heads} positions num_hiddens//{num_heads}"]:
    """Head i of example b becomes row `b * num_heads + i`, with its own slice of the features.

    >>> transpose_qkv(torch.arange(8.0).reshape(1, 2, 4), num_heads=2)
    tensor([[[0., 1.],
             [4., 5.]],
    <BLANKLINE>
            [[2., 3.],
             [6., 7.]]])
    """
    ...


def transpose_output(
    X: Float[Tensor, "rows positions head_size"], num_heads: int
) -> Float[Tensor, "rows//{num_heads} positions head_size*{num_heads}"]:
    """The inverse of `transpose_qkv`: the heads of each example side by side again."""
    ...
