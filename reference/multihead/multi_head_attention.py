"""Every head attends in its own projection; as examples of one larger batch, all heads are a single attention call.

One linear layer projects for all heads at once, because its output features are the heads' features side by side.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from multihead.head_reshape import transpose_output, transpose_qkv
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Multi-head attention; Vaswani et al., 2017, section 3.2.2."""

    def __init__(
        self,
        key_size: int,
        query_size: int,
        value_size: int,
        num_hiddens: int,
        num_heads: int,
        dropout: float,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if num_hiddens % num_heads:
            raise ValueError(f"num_hiddens ({num_hiddens}) must be a multiple of num_heads ({num_heads})")
        self.num_heads = num_heads
        self.attention = DotProductAttention(dropout)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=bias)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=bias)
        self.W_v = nn.Linear(value_size, num_hiddens, bias=bias)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=bias)

    def forward(
        self,
        queries: Float[Tensor, "batch queries query_size"],
        keys: Float[Tensor, "batch keys key_size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries num_hiddens"]:
        """The heads' outputs side by side, mixed by `W_o`; weights in `attention.attention_weights`."""
        q, k, v = (
            transpose_qkv(project(X), self.num_heads)  # (batch * heads, positions, head_size)
            for project, X in ((self.W_q, queries), (self.W_k, keys), (self.W_v, values))
        )
        if valid_lens is not None:
            valid_lens = valid_lens.repeat_interleave(self.num_heads, dim=0)  # as the rows: example by example
        heads = self.attention(q, k, v, valid_lens)  # (batch * heads, queries, head_size)
        output: Tensor = self.W_o(transpose_output(heads, self.num_heads))
        return output
