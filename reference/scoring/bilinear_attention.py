"""Translate the query into the space of the keys, and dot-product attention does the rest.

The learned matrix is all that different widths need: `q^T W^T k` is one matrix product more, and still nothing else.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor, nn


class BilinearAttention(DotProductAttention):
    """Attention whose score is `(W q) . k / sqrt(key_size)`; Luong et al., 2015, section 3.1 ("general")."""

    def __init__(self, query_size: int, key_size: int, dropout: float) -> None:
        super().__init__(dropout)
        self.W = nn.Linear(query_size, key_size, bias=False)

    def forward(
        self,
        queries: Float[Tensor, "batch queries query_size"],
        keys: Float[Tensor, "batch keys key_size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        return super().forward(self.W(queries), keys, values, valid_lens)  # W: (batch, queries, key_size)
