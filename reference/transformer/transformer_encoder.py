"""Look around, then think, again and again: each block lets every token gather from the others, then ponder alone.

Attention is blind to order, so positions are added to the tokens once, at the bottom; everything above only refines.
"""

from __future__ import annotations

from collections import OrderedDict
from math import sqrt
from typing import Any

from given.seq2seq import Encoder
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import Tensor, nn
from transformer.add_norm import AddNorm
from transformer.positionwise_ffn import PositionWiseFFN


class EncoderBlock(nn.Module):
    """Self-attention and a network for each position, each inside a residual; Vaswani et al., 2017, section 3.1."""

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
        use_bias: bool = False,
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(key_size, query_size, value_size, num_hiddens, num_heads, dropout, use_bias)
        self.addnorm1 = AddNorm(norm_shape, dropout)
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)
        self.addnorm2 = AddNorm(norm_shape, dropout)

    def forward(
        self,
        X: Float[Tensor, "batch steps num_hiddens"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch steps num_hiddens"]:
        """What each token makes of the sequence; the shape stays."""
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens))
        output: Tensor = self.addnorm2(Y, self.ffn(Y))
        return output


class TransformerEncoder(Encoder):
    """Embedded tokens and their positions, through a stack of blocks."""

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
        use_bias: bool = False,
    ) -> None:
        super().__init__()
        sizes = key_size, query_size, value_size, num_hiddens, norm_shape, ffn_num_input, ffn_num_hiddens, num_heads
        self.num_hiddens = num_hiddens
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)
        blocks = ((f"block{i}", EncoderBlock(*sizes, dropout, use_bias)) for i in range(num_layers))
        self.blks: Any = nn.Sequential(OrderedDict(blocks))
        self.attention_weights: list[Float[Tensor, "batch*heads steps steps"]] = []

    def forward(
        self, X: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"] | None = None, *_args: object
    ) -> Float[Tensor, "batch steps num_hiddens"]:
        """A vector for every token, in its context; the weights of each layer in `attention_weights`."""
        H: Tensor = self.pos_encoding(self.embedding(X) * sqrt(self.num_hiddens))  # (batch, steps, num_hiddens)
        for block in self.blks:
            H = block(H, valid_lens)
        self.attention_weights = [block.attention.attention.attention_weights for block in self.blks]
        return H
