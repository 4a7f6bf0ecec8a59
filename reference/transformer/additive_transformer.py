"""Heads do not care how they are scored: put additive attention where the dot products were, and keep the rest.

Both kinds multiply about as much. But a sum of query and key has to exist, feature by feature, before it can be bent.
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

NUM_HIDDENS, NUM_HEADS = 32, 4


class AdditiveMultiHeadAttention(nn.Module):
    """Multi-head attention whose heads share one additive scorer."""

    def __init__(
        self, key_size: int, query_size: int, value_size: int, num_hiddens: int, num_heads: int, dropout: float
    ) -> None:
        super().__init__()
        head_size, rest = divmod(num_hiddens, num_heads)
        if rest:
            raise ValueError(f"num_hiddens ({num_hiddens}) must be a multiple of num_heads ({num_heads})")
        self.num_heads = num_heads
        self.attention = AdditiveAttention(head_size, head_size, head_size, dropout)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.W_v = nn.Linear(value_size, num_hiddens, bias=False)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=False)

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


def build_additive_transformer(config: TransformerConfig) -> EncoderDecoder:
    """The Transformer of these sizes, with additive attention in all three places of every layer."""
    d, model = config.num_hiddens, build_transformer(config)
    for module in [*model.modules()]:
        for name, part in module.named_children():
            if isinstance(part, MultiHeadAttention):
                setattr(module, name, AdditiveMultiHeadAttention(d, d, d, d, config.num_heads, config.dropout))
    return model


def cost_table(ns: list[int]) -> list[dict[str, float]]:
    """For each length `n` what self-attention over `n` positions costs, of both kinds."""
    sizes = NUM_HIDDENS, NUM_HIDDENS, NUM_HIDDENS, NUM_HIDDENS, NUM_HEADS, 0.0
    additive, dot = AdditiveMultiHeadAttention(*sizes), MultiHeadAttention(*sizes)
    table = []
    for n in ns:
        X = torch.zeros(1, n, NUM_HIDDENS)
        costs = {kind: count_cost(layer, X, X, X, None) for kind, layer in (("additive", additive), ("dot", dot))}
        row: dict[str, float] = {"n": n, "ratio": costs["additive"].largest / costs["dot"].largest}
        row |= {f"{kind}_{of}": getattr(cost, of) for kind, cost in costs.items() for of in cost._fields}
        table.append(row)
    return table
