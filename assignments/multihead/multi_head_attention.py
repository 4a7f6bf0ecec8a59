"""# Multi-head attention

One attention gives each query one average. But a word may need two things at once: its verb, and the noun it stands
for. A single softmax has to share its weight between them. So let several attentions, the *heads*, look at the same
sentence, each through its own small projection of queries, keys and values, and let a last matrix mix what they found.

A loop over the heads would do it, slowly. The trick to write here needs none: one matrix per role projects for all
heads at once, `transpose_qkv` turns heads into examples of a larger batch, and a single call of your
`DotProductAttention` serves them all.

Write the class `MultiHeadAttention`.

* The constructor makes four linear layers: `W_q`, `W_k` and `W_v` from `query_size`, `key_size` and `value_size` to
  `num_hiddens`, and `W_o` from `num_hiddens` to `num_hiddens`. They have biases only when `bias` is true. It also keeps
  `num_heads`, and a `DotProductAttention(dropout)` under the name `attention`.
* `forward` takes queries `(batch, queries, query_size)`, keys `(batch, keys, key_size)`, values
  `(batch, keys, value_size)` and lengths (`None`, `(batch,)` or `(batch, queries)`, as in the masked softmax), and
  returns `(batch, queries, num_hiddens)`.
* Head `i` owns the features `i * d` to `(i + 1) * d` of each projection, where `d = num_hiddens / num_heads`.
* Afterwards `attention.attention_weights` has the shape `(batch * num_heads, queries, keys)`; its row
  `b * num_heads + i` is head `i` of example `b`. The lengths have to follow the same order: think about what happens to
  them when heads become examples.
* *Beyond the book:* a `num_hiddens` that is no multiple of `num_heads` raises a `ValueError` in the constructor, not a
  puzzling error about shapes much later. A query whose length is 0 gets zeros from every head, so without biases its
  output is 0, and nothing becomes NaN. The arguments are the caller's, so leave them as they are. And half precision
  in is half precision out.

Example: `MultiHeadAttention(key_size=3, query_size=6, value_size=5, num_hiddens=4, num_heads=2, dropout=0.1)` has two
heads of two features. For a batch of 7 examples with 8 queries and 9 keys it returns `(7, 8, 4)`; in between, the
attention sees queries `(14, 8, 2)`, keys and values `(14, 9, 2)`, and lengths `[4, 9, ...]` have become
`[4, 4, 9, 9, ...]`.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from multihead.head_reshape import transpose_output, transpose_qkv
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Several scaled dot-product attentions side by side, mixed by a matrix."""

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
        """Make `W_q`, `W_k`, `W_v`, `W_o` and `attention`."""
        super().__init__()
        ...

    def forward(
        self,
        queries: Float[Tensor, "batch queries query_size"],
        keys: Float[Tensor, "batch keys key_size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries num_hiddens"]:
        """Project, attend in every head, put the heads' outputs side by side, and mix them with `W_o`."""
        ...
