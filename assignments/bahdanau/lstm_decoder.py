"""# LSTM in place of GRU

Your decoder had a GRU. What changes with an LSTM? A GRU has one state, and that is also what it says. An LSTM has two:
the *cell state* `c`, in which it remembers, and the *hidden state* `h`, what it shows of that to the outside, between
-1 and 1. So wherever one state was carried there is now a pair, and one question is new: which of the two should ask?

What asks is what was shown: the query is **`h` of the top layer** before the step. `c` may grow without bounds, and
has been trained to be remembered, not to be compared with anything. It is still needed for the next step, though. Lose
it, and the decoder runs, trains and translates, just worse than an LSTM can.

1. `LSTMEncoder` has the submodules `embedding` and `rnn`, an `nn.LSTM` (with `dropout` between its layers, nowhere
   else). Words `(batch, steps)` and lengths `(batch,)`, or `None`, become `(outputs, (h, c))`. As in
   `given/seq2seq.py`, outputs have the steps first, `(steps, batch, num_hiddens)`; they are the top layer's `h` after
   every word, and what stands there at padding is up to you. `h` and `c` are `(num_layers, batch, num_hiddens)`.
2. `LSTMAttentionDecoder` is your `Seq2SeqAttentionDecoder` with an `nn.LSTM` as `rnn`; the other submodules
   (`attention`, `embedding`, `dense`), the inputs (context, then word), `dropout` in the attention and between the
   layers, and the list `attention_weights` are as they were. The state is `[enc_outputs, (h, c), enc_valid_lens]`, with
   the batch first in `enc_outputs`; `init_state` makes it of what the encoder returned and the lengths. Again, pieces
   give what the whole gives, and an old state the old answer.
* *Beyond the book:* the encoder stops at the end of each sentence, so that padding changes neither `h` nor `c` (a
  length above the number of steps counts as that number; lengths are at least 1 here). In the decoder, a source of
  length 0 gets weights of 0 and a context of 0. And words, states and lengths are after a call what they were before.

An LSTM has four gates where a GRU has three parts, so its recurrent weights are 4/3 as many, and it takes longer to
learn. The graders train yours on `given/dates.py` with your `train_step` for 150 steps (a GRU needs 90). Try it too:
the imports below are all that it takes.

Example: let `num_hiddens` be 1, and everything in the LSTM and in `dense` 0, but `dense.weight` 1. All gates are then
half open and nothing new comes in: each step halves `c`, and shows `h = 0.5 * tanh(c)`. From `h = 3` and `c = 4` three
steps give the logits 0.482, 0.381 and 0.231 (`c` is 2, then 1, then 0.5). The queries are 3, 0.482 and 0.381.
"""

from __future__ import annotations

from typing import Any

import torch
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.seq2seq import AttentionDecoder, Encoder, EncoderDecoder, adam
from jaxtyping import Float, Int
from scoring.additive_attention import AdditiveAttention
from torch import Tensor, nn

Pair = tuple[Float[Tensor, "layers batch hiddens"], Float[Tensor, "layers batch hiddens"]]
"""The hidden state h and the cell state c of every layer."""


class LSTMEncoder(Encoder):
    """An LSTM that reads the source."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        ...

    def forward(
        self, X: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"] | None = None
    ) -> tuple[Float[Tensor, "steps batch hiddens"], Pair]:
        """The top layer's h after each token, the steps first, and the pair (h, c) of every layer after the last."""
        ...


class LSTMAttentionDecoder(AttentionDecoder):
    """An LSTM that attends to the source before every step."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        ...

    def init_state(
        self,
        enc_outputs: tuple[Float[Tensor, "src_steps batch hiddens"], Pair],
        enc_valid_lens: Int[Tensor, " batch"] | None,
        *args: Any,
    ) -> list[Any]:
        """The state `[enc_outputs, (h, c), enc_valid_lens]` before the first word, the batch first in `enc_outputs`."""
        ...

    def forward(
        self, X: Int[Tensor, "batch steps"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps vocab"], list[Any]]:
        """A score for every word after each of `X`, and the state after the last."""
        ...

    @property
    def attention_weights(self) -> list[Float[Tensor, "batch 1 src_steps"]]:
        """Where each step of the last call looked."""
        ...
