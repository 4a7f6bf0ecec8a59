"""# Learned positions

Sines and cosines are one way to tell positions apart. Another is to let training find out: give every position a vector
of its own and learn it like the embedding of a word. BERT and GPT do this. It costs `max_len * num_hiddens` parameters,
and a position that no training sentence reaches keeps the vector that it was born with: such a model cannot go on past
what it has seen, while sines go on for ever.

Write the class `LearnedPositionalEncoding`.

* Its only parameter is `P`, of shape `(1, max_len, num_hiddens)`, drawn from a normal distribution with mean 0 and
  standard deviation 0.02. Not zeros: what distinguishes two positions that start out equal?
* `forward(X, offset=0)` takes `X` of shape `(batch, positions, num_hiddens)`, adds to the token at each place the
  vector of position `offset` plus that place, the same for all examples, and returns the sum after dropout.
* When `offset` plus the number of positions exceeds `max_len` there are no vectors left: raise a `ValueError` that says
  so. Going round to the beginning would give two positions one vector.
* *Beyond the book:* the output has the dtype of `X`, in half precision too, and `X` itself stays as it is.

Example: let `P` hold the vectors `[1, 0]`, `[2, 0]` and `[3, 0]`. Two tokens of zeros become `[1, 0]` and `[2, 0]`;
with `offset=1` they become `[2, 0]` and `[3, 0]`; with `offset=2` there is an error. If the sum of that last good
output is the loss, the gradient of `P` is 0 in the first row and 1 in the other two, times the number of examples.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LearnedPositionalEncoding(nn.Module):
    """A vector for each position, learned, and added to the input."""

    def __init__(self, num_hiddens: int, dropout: float, max_len: int = 64) -> None:
        """Draw the table `P`, of shape (1, max_len, num_hiddens)."""
        super().__init__()
        ...

    def forward(
        self, X: Float[Tensor, "batch positions num_hiddens"], offset: int = 0
    ) -> Float[Tensor, "batch positions num_hiddens"]:
        """X with the vectors of positions `offset`, `offset + 1`, ... added, and dropout on the sum."""
        ...
