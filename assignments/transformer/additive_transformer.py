"""# Additive attention in the Transformer

The Transformer scores by dot products. Must it? Additive attention came first, scores just as well, and fits into the
same places: a head hands over queries, keys and values and does not care how they are compared. Swap one for the other,
and then ask the layer itself what the swap costs. The answer explains a choice that every large model has made.

Write a class and two functions.

* `AdditiveMultiHeadAttention` is your `MultiHeadAttention` with another scorer. `W_q`, `W_k`, `W_v` and `W_o` project
  as there, without biases. The heads share one `AdditiveAttention` under the name `attention`, whose key size, query
  size and hidden size are all that of a head, `d = num_hiddens / num_heads`: seven matrices in all. `forward` takes
  `(batch, queries, query_size)`, `(batch, keys, key_size)`, `(batch, keys, value_size)` and lengths (`None`, `(batch,)`
  or `(batch, queries)`), and returns `(batch, queries, num_hiddens)`. Head `i` owns the features `i * d` to
  `(i + 1) * d` of each projection, and row `b * num_heads + i` of `attention.attention_weights` in example `b`. It is
  compared with itself only: a call needs no tensor much larger than `batch * num_heads * queries * keys * d`.
* `build_additive_transformer(config)` makes the Transformer of your `build_transformer`, but every attention in it is
  additive: `attention` in each block of `model.encoder.blks`, `attention1` and `attention2` in each block of
  `model.decoder.blks`. Each has parameters of its own, and the heads and the dropout of `config`. We then train it with
  your `fit`, to say sequences backwards.
* `cost_table(ns)` returns a list with a dictionary for each `n` of `ns`, in their order. It compares the two layers,
  `AdditiveMultiHeadAttention` and `MultiHeadAttention`, at a width of 32 (queries, keys, values and `num_hiddens`) with
  4 heads, while one sequence of `n` positions attends to itself, without lengths and without dropout. Count with
  `count_cost`, which is given; a formula would tell what you believe of your code. The keys are `n`; `additive_flops`
  and `dot_flops`; `additive_largest` and `dot_largest`, the numbers in the largest tensor that a call of the whole
  layer makes; and `ratio`, `additive_largest` by `dot_largest`.

*Beyond the book:* a `num_hiddens` that is no multiple of `num_heads` raises a `ValueError` in the constructor; lengths
may be left out; a query of length 0 gets zeros and nothing becomes NaN; the arguments are left alone; half precision
stays half.

A question to be answered in words is in `additive_transformer.md`.

Example: with a scorer that adds every query to every key by broadcasting, `cost_table([16])` is

    [{"n": 16, "additive_flops": 180224, "dot_flops": 163840,
      "additive_largest": 8192, "dot_largest": 1024, "ratio": 8.0}]

The sums are 4 heads * 16 queries * 16 keys * 8 features, the dot products one number for each pair and head. So the
ratio is the size of a head, exactly, for any `n` but very short ones. (Why not for those?)
"""

from __future__ import annotations

import torch
from given.config import TransformerConfig
from given.cost_counter import count_cost
from given.seq2seq import EncoderDecoder
from jaxtyping import Float, Int
from multihead.head_reshape import transpose_output, transpose_qkv
from multihead.multi_head_attention import MultiHeadAttention
from scoring.additive_attention import AdditiveAttention
from torch import Tensor, nn
from transformer.train_transformer import build_transformer


class AdditiveMultiHeadAttention(nn.Module):
    """Multi-head attention whose heads share one additive scorer."""

    def __init__(
        self, key_size: int, query_size: int, value_size: int, num_hiddens: int, num_heads: int, dropout: float
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
        """Project, score additively in every head, put the heads' outputs side by side, and mix them with `W_o`."""
        ...


def build_additive_transformer(config: TransformerConfig) -> EncoderDecoder:
    """The Transformer of these sizes, with additive attention in all three places of every layer."""
    ...


def cost_table(ns: list[int]) -> list[dict[str, float]]:
    """For each length `n` what self-attention over `n` positions costs, of both kinds."""
    ...
