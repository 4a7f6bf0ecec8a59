"""# Residual connection and layer normalisation

A Transformer stacks many layers, and two habits keep the stack trainable. First, a sublayer does not replace what it
was given, it *adds* to it: what went in, `X`, plus what came out, `Y`. Along these sums a gradient finds a short way
back to the first layer, and whatever a layer does not touch survives. Second, sums grow, so after each of them the
features of every position are brought back to mean 0 and variance 1; a learnt weight and bias then give them the range
that the next layer likes best.

*Layer* normalisation looks at one position at a time. Batch normalisation would take its mean over other sentences, and
over padding; here neither matters.

Write the class `AddNorm`.

* The constructor takes `normalized_shape`, the number of features (as `5`, or as a list of one number, `[5]`), and
  `dropout`. It keeps an `nn.Dropout` as `dropout` and an `nn.LayerNorm` as `ln`.
* `forward` takes `X` and `Y`, both `(batch, positions, features)`: what went into a sublayer and what came out of it.
  Dropout acts on `Y` alone. Return the normalised sum, in the same shape.
* *Beyond the book:* a `normalized_shape` of two or more numbers raises a `ValueError` in the constructor. An example of
  the book normalises over steps and features together; then every position depends on all others, padding included.
  The two tensors are the caller's, so leave them as they are. And once the layer is in half precision, half precision
  in is half precision out.

Example: `X` holds `[2, 0, 1]` at some position and `Y` holds `[4, 0, 2]`. The sum `[6, 0, 3]` has mean 3 and variance 6
(the mean of 9, 9 and 0), so a new `AddNorm(3, 0.0)` gives `[1.225, -1.225, 0]`. In training with a dropout of 0.5, `Y`
may become `[0, 0, 4]` and the sum `[2, 0, 5]`, or even `[2, 0, 1]`, but the 2 that was in `X` is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


class AddNorm(nn.Module):
    """The sum of what went into a sublayer and what came out, normalised at each position."""

    def __init__(self, normalized_shape: int | Sequence[int], dropout: float) -> None:
        """Make `dropout` and `ln`."""
        super().__init__()
        ...

    def forward(
        self, X: Float[Tensor, "batch positions size"], Y: Float[Tensor, "batch positions size"]
    ) -> Float[Tensor, "batch positions size"]:
        """Add `Y`, after dropout, to `X`, and normalise."""
        ...
