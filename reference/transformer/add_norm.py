"""A sublayer only adds to what it was given, and the sum is brought back to mean 0 and variance 1.

The sum is the short way by which a gradient reaches the first of many layers. The norm is taken at each position over
its own features, so it knows neither the batch nor how long the sequence is.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


class AddNorm(nn.Module):
    """Residual connection, then layer normalisation; Vaswani et al., 2017, section 3.1; Ba et al., 2016."""

    def __init__(self, normalized_shape: int | Sequence[int], dropout: float) -> None:
        super().__init__()
        if not isinstance(normalized_shape, int) and len(normalized_shape) != 1:
            raise ValueError(f"normalise over the features alone, not over axes of sizes {tuple(normalized_shape)}")
        self.dropout = nn.Dropout(dropout)
        self.ln = nn.LayerNorm(normalized_shape)

    def forward(
        self, X: Float[Tensor, "batch positions size"], Y: Float[Tensor, "batch positions size"]
    ) -> Float[Tensor, "batch positions size"]:
        """What went into a sublayer, `X`, plus what came out, `Y` (with dropout), normalised at each position."""
        output: Tensor = self.ln(X + self.dropout(Y))
        return output
