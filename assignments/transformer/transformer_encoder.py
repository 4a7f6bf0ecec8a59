"""# The encoder

Everything so far was a part: heads that look around, a table of positions, a small network for each position, sums
that are normalised. Here they become a Transformer encoder. One *block* lets every word gather what it needs from the
others (attention), and then ponder alone what it has found (the network); a stack of blocks does so again and again.
The shape never changes on the way, so blocks can be stacked as high as patience allows.

Write two classes.

`EncoderBlock` has four parts: `attention`, a `MultiHeadAttention` (with biases only if `use_bias`); `ffn`, a
`PositionWiseFFN` back to `num_hiddens`; and around each of them an `AddNorm(norm_shape, dropout)`, called `addnorm1`
and `addnorm2`. X of shape `(batch, steps, num_hiddens)` attends to itself, then comes the first `AddNorm`, then the
network, then the second one. The norm comes *after* each sum. The lengths are `None`, `(batch,)` or `(batch, steps)`.

`TransformerEncoder` has `embedding`, `pos_encoding` and `blks`: an `nn.Sequential` of `num_layers` blocks under the
names `block0`, `block1`, ... Its `forward` takes tokens `(batch, steps)` and lengths:

* It embeds the words, multiplies them by the root of `num_hiddens`, and then adds the positions: a sine is at most 1,
  and neither of the two should drown in the other.
* The result goes through the blocks one after the other, each with the same lengths. What the last one returns,
  `(batch, steps, num_hiddens)`, is a vector for every word, in its context.
* Afterwards the list `attention_weights` holds one tensor `(batch * num_heads, steps, steps)` for each block, of this
  call only, attached to the graph. Rows sum to 1, and a word in the padding gets weight 0 in every layer.
* `dropout` goes to the positions, to the attention and to every `AddNorm`. Further arguments are ignored; other
  encoders may need some.
* *Beyond the book:* the lengths may be left out, in both classes. In a sentence of length 0 every attention is 0, so
  only residuals and networks are left, and nothing becomes NaN. Tokens and lengths stay as they were. An encoder in
  half precision returns half precision.

Example: `TransformerEncoder(200, 24, 24, 24, 24, [24], 24, 48, num_heads=8, num_layers=2, dropout=0.1)` knows 200
words and gives each 24 numbers. For tokens `(2, 100)` with lengths `[3, 100]` it returns `(2, 100, 24)`. Of the first
sentence only 3 words are real: `attention_weights[1][:8]` are the heads of the second block there, and their columns
from 3 on are 0. Now read a sentence backwards: do the vectors only change places?
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
    """Self-attention and a network for each position, each inside a residual."""

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
        """Make `attention`, `addnorm1`, `ffn` and `addnorm2`."""
        super().__init__()
        ...

    def forward(
        self,
        X: Float[Tensor, "batch steps num_hiddens"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch steps num_hiddens"]:
        """What each token makes of the sequence; the shape stays."""
        ...


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
        """Make `embedding`, `pos_encoding` and `blks`."""
        super().__init__()
        ...

    def forward(
        self, X: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"] | None = None, *_args: object
    ) -> Float[Tensor, "batch steps num_hiddens"]:
        """A vector for every token, in its context; the weights of each layer in `attention_weights`."""
        ...
