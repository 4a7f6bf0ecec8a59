"""# Relative positions are rotations

Why sines *and* cosines? A hand of a clock that shows its height only cannot say whether it is rising or falling, and so
not where it will be in five minutes. One that shows both numbers can: to go five minutes on is to turn it by a fixed
angle, whatever it shows now.

The same holds for the positional encoding. For every step `delta` there is one matrix that takes the encoding of any
position `i` to the encoding of `i + delta`. It is linear and it does not depend on `i`, so a layer that multiplies
queries and keys with matrices can learn to look "three tokens back" from everywhere at once. (This is also the seed of
the rotary embeddings of later models, which turn queries and keys themselves.)

Write `shift_matrix(delta, num_hiddens)`. With the encodings of the previous exercise,

    P[i, 2j] = sin(i / 10000 ** (2j / num_hiddens))        P[i, 2j + 1] = cos(i / 10000 ** (2j / num_hiddens))

it returns the matrix `M`, of shape `(num_hiddens, num_hiddens)` and in float64, for which `P[i + delta] = M @ P[i]` at
every `i`.

* `delta` is an integer, and may be negative: a step back.
* `num_hiddens` is even. (An odd width leaves a sine without its cosine: why is there no such matrix then?)
* Compute the angles in float64 too: the table `P` of your module has about seven digits, too few to make `M` from.

A hint on paper: expand `sin(a + b)` and `cos(a + b)`, and look for `sin(a)` and `cos(a)` in what you get. When you are
done, what are `shift_matrix(2, d) @ shift_matrix(3, d)` and the transpose of `shift_matrix(2, d)`? Guess first.

Example: with `num_hiddens=2` there is a single hand, which turns by one radian per position. So `shift_matrix(1, 2)` is
`[[0.540, 0.841], [-0.841, 0.540]]`, and takes position 0, which is `[0, 1]`, to position 1, which is `[0.841, 0.540]`.
To try it on your own table: `P = PositionalEncoding(8, 0.0).P[0].double()`, and compare `P[5:]` with
`P[:-5] @ shift_matrix(5, 8).T`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from self_attention.positional_encoding import PositionalEncoding
from torch import Tensor


def shift_matrix(delta: int, num_hiddens: int) -> Float64[Tensor, "num_hiddens num_hiddens"]:
    """The matrix that takes the encoding of any position i to that of i + delta.

    >>> shift_matrix(0, 2)
    tensor([[1., 0.],
            [0., 1.]], dtype=torch.float64)
    """
    ...
