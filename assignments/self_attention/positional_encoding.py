"""# Positional encoding

Attention sees a set: shuffle the words of a sentence, and every word gets the same answer as before. If order is to
matter, each token must carry its position with it. The Transformer adds to every token a vector that only depends on
where the token stands.

Think of a clock. The second hand tells neighbouring moments apart but repeats every minute; the hour hand repeats late
but barely moves. Together they name every moment of the day. Here each pair of features is a hand: its two numbers are
the sine and the cosine of an angle. The first hand turns by one radian per position, and the others turn ever more
slowly, by a factor that is the same from hand to hand. So the encoding of position `i` is, for `j = 0, 1, 2, ...`

    P[i, 2j] = sin(i / 10000 ** (2j / num_hiddens))        P[i, 2j + 1] = cos(i / 10000 ** (2j / num_hiddens))

Write the class `PositionalEncoding`. It learns nothing.

* The constructor computes the encodings of the positions 0 to `max_len - 1` once, and keeps them as `self.P`, of shape
  `(1, max_len, num_hiddens)` and in float32.
* `forward(X)` takes `X` of shape `(batch, positions, num_hiddens)`, adds to the token at each position the encoding of
  this position, the same for all examples, and returns the sum after dropout.
* `X` is the caller's: leave it as it is. And compute on the device of `X`.

*Beyond the book:*

* `P` is a buffer, so that it moves with the module (`.to`) and is saved with it (`state_dict`); the book keeps a plain
  tensor. Its name in the state dict is `P`.
* The output has the dtype of `X`. The book adds float32 to whatever comes in, and half precision is lost.
* `forward(X, offset)` begins at position `offset`, which a decoder needs when tokens come one by one.
* When `offset` plus the number of positions exceeds `max_len`, that is a `ValueError` which says so.
* An odd `num_hiddens` works: the last column is the sine of a pair that has lost its cosine. (The book's code fails.)

Example: with `num_hiddens=4` the hands turn by 1 and by 1/100 radian per position. Position 0 is `[0, 1, 0, 1]`,
position 1 is `[0.841, 0.540, 0.010, 1.000]` and position 2 is `[0.909, -0.416, 0.020, 1.000]`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PositionalEncoding(nn.Module):
    """Fixed sines and cosines of the position, added to the input."""

    def __init__(self, num_hiddens: int, dropout: float, max_len: int = 1000) -> None:
        """Compute the table `P`, of shape (1, max_len, num_hiddens)."""
        super().__init__()
        ...

    def forward(
        self, X: Float[Tensor, "batch positions num_hiddens"], offset: int = 0
    ) -> Float[Tensor, "batch positions num_hiddens"]:
        """X with the encodings of positions `offset`, `offset + 1`, ... added, and dropout on the sum."""
        ...
