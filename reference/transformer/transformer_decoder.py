"""The next token depends on what was written so far and on the source: a block looks at the first, then at the second.

A step may see itself and what came before it. Counting from the start of the sentence says both how far that is and
which position a token has, so one pass over a sentence and one step after the other are the same computation.
"""

from __future__ import annotations

from collections import OrderedDict
from math import sqrt
from typing import Any

import torch
from given.seq2seq import AttentionDecoder
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import Tensor, nn
from transformer.add_norm import AddNorm
from transformer.positionwise_ffn import PositionWiseFFN


class DecoderBlock(nn.Module):
    """Causal self-attention, attention to the source, and a network for each position, each inside a residual."""

    def __init__(
        self,
        key_size: int,
        query_size: int,
        value_size: int,
        num_hiddens: int,
        norm_shape: int | list[int],
        ffn_num_input: int,
        ffn_num_hiddens: int,
        num_heads: int,
        dropout: float,
        i: int,
    ) -> None:
        super().__init__()
        sizes = key_size, query_size, value_size, num_hiddens, num_heads
        self.i = i
        self.attention1 = MultiHeadAttention(*sizes, dropout)
        self.addnorm1 = AddNorm(norm_shape, dropout)
        self.attention2 = MultiHeadAttention(*sizes, dropout)
        self.addnorm2 = AddNorm(norm_shape, dropout)
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)
        self.addnorm3 = AddNorm(norm_shape, dropout)

    def forward(
        self, X: Float[Tensor, "batch steps num_hiddens"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps num_hiddens"], list[Any]]:
        """What each new step makes of all steps so far and of the source; this block's cache grows by `X`."""
        enc_outputs, enc_valid_lens, caches, position = state
        past, after = caches[: self.i], caches[self.i + 1 :]
        cache = X if caches[self.i] is None else torch.cat([caches[self.i], X], dim=1)  # (batch, all steps, ...)
        visible = 1 + torch.arange(cache.shape[1], device=X.device)[-X.shape[1] :]  # (steps,): up to itself
        Y = self.addnorm1(X, self.attention1(X, cache, cache, visible.expand(len(X), -1)))
        Z = self.addnorm2(Y, self.attention2(Y, enc_outputs, enc_outputs, enc_valid_lens))
        return self.addnorm3(Z, self.ffn(Z)), [enc_outputs, enc_valid_lens, [*past, cache, *after], position]


class TransformerDecoder(AttentionDecoder):
    """Embedded tokens and their positions, through a stack of blocks, to a score for every word of the vocabulary."""

    def __init__(
        self,
        vocab_size: int,
        key_size: int,
        query_size: int,
        value_size: int,
        num_hiddens: int,
        norm_shape: int | list[int],
        ffn_num_input: int,
        ffn_num_hiddens: int,
        num_heads: int,
        num_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        sizes = key_size, query_size, value_size, num_hiddens, norm_shape, ffn_num_input, ffn_num_hiddens, num_heads
        self.num_hiddens = num_hiddens
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)
        blocks = ((f"block{i}", DecoderBlock(*sizes, dropout, i)) for i in range(num_layers))
        self.blks: Any = nn.Sequential(OrderedDict(blocks))
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(
        self,
        enc_outputs: Float[Tensor, "batch source num_hiddens"],
        enc_valid_lens: Int[Tensor, " batch"] | None = None,
        *_args: object,
    ) -> list[Any]:
        """The source, its lengths, an empty cache for each block, and the position of the next token."""
        return [enc_outputs, enc_valid_lens, [None] * len(self.blks), 0]

    def forward(
        self, X: Int[Tensor, "batch steps"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps vocab_size"], list[Any]]:
        """The logits of the token after each step, and the state to go on with."""
        position = state[3]
        H = self.pos_encoding(self.embedding(X) * sqrt(self.num_hiddens), position)  # (batch, steps, num_hiddens)
        for block in self.blks:
            H, state = block(H, state)
        return self.dense(H), [*state[:3], position + X.shape[1]]

    @property
    def attention_weights(self) -> list[list[Float[Tensor, "batch*heads steps keys"]]]:
        """Of the last call: for each block the weights over the steps so far, and those over the source."""
        return [
            [block.attention1.attention.attention_weights for block in self.blks],
            [block.attention2.attention.attention_weights for block in self.blks],
        ]
