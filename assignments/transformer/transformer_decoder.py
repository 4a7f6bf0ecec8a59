"""# The decoder

The encoder reads; the decoder writes, one word after the other. To choose the next word it has to know what it has
written so far and what the source says, so its blocks attend twice: first back over their own words, then over the
source. In training the whole sentence is there already, and all its words are predicted in one pass. That is only
fair if step t sees nothing after step t: a decoder that can peek learns to copy the answer, reaches a loss near 0, and
then cannot write a single sentence. When it writes, words arrive one at a time, and a *state* carries what came before.

Write two classes.

`DecoderBlock` has `attention1`, `addnorm1`, `attention2`, `addnorm2`, `ffn` and `addnorm3`, in this order, and its
number `i` among the blocks. It takes X `(batch, steps, num_hiddens)` and a state, and returns the pair of its output,
in the shape of X, and a state.

* A state is a list of four: `enc_outputs` `(batch, source, num_hiddens)`, `enc_valid_lens` (or `None`), a list with one
  cache for each block, and the number of words so far. A block's own cache, entry `i`, is `None` before the first
  call; then it holds the vectors that came into this block, those of all calls, one behind the other.
* `attention1` asks from X and looks at the cache and X itself: at all earlier steps and its own, never at later ones.
* `attention2` asks from what `addnorm1` returned and looks at the source, not at its padding. Then comes the network.

`TransformerDecoder` has `embedding`, `pos_encoding`, `blks` (an `nn.Sequential`, its blocks named `block0`, `block1`,
... as in the encoder) and `dense`, which gives every word of the vocabulary a score. `init_state` makes the first
state; `forward` takes tokens `(batch, steps)` and a state, and returns logits `(batch, steps, vocab_size)` and the next
state. Words enter as in the encoder. Afterwards `attention_weights` is a list of two lists, each with one entry per
block: the weights over the words so far, `(batch * num_heads, steps, words so far)`, and those over the source.

*Beyond the book:* its decoder hides later words in training mode only; yours always does. Its words stand at position 0
again in every call; yours go on counting where the state says, so word by word, in chunks or all at once the logits are
the same. It changes the state it is given; you return a new one, and the old one can go on in another way. An empty
source (length 0) adds nothing, lengths may be left out of `init_state`, half precision stays half, no argument changes.

Example: a batch of 2 has written 3 words and now gets 2 more. The fourth may look at 4 words and the fifth at 5, so the
lengths for `attention1` are `[[4, 5], [4, 5]]`, with caches of `(2, 3, num_hiddens)` before and `(2, 5, num_hiddens)`
after the call. The two words stand at positions 3 and 4, and the state that is returned ends with a 5.
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
        """Make the six parts, and remember `i`."""
        super().__init__()
        ...

    def forward(
        self, X: Float[Tensor, "batch steps num_hiddens"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps num_hiddens"], list[Any]]:
        """What each new step makes of all steps so far and of the source; this block's cache grows by `X`."""
        ...


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
        """Make `embedding`, `pos_encoding`, `blks` and `dense`."""
        super().__init__()
        ...

    def init_state(
        self,
        enc_outputs: Float[Tensor, "batch source num_hiddens"],
        enc_valid_lens: Int[Tensor, " batch"] | None = None,
        *_args: object,
    ) -> list[Any]:
        """The source, its lengths, an empty cache for each block, and the position of the next token."""
        ...

    def forward(
        self, X: Int[Tensor, "batch steps"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps vocab_size"], list[Any]]:
        """The logits of the token after each step, and the state to go on with."""
        ...

    @property
    def attention_weights(self) -> list[list[Float[Tensor, "batch*heads steps keys"]]]:
        """Of the last call: for each block the weights over the steps so far, and those over the source."""
        ...
