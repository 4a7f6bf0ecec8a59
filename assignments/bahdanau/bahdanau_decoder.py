"""# A decoder that looks back

A plain sequence to sequence model reads a sentence to its end, keeps one vector, and writes the translation by heart.
Nobody translates a long sentence like that. One looks back: before each word, at those words of the source that matter
now. That was the idea of Bahdanau, Cho and Bengio, and attention in translation began with it.

Your decoder is a GRU that writes word by word. Before each of its steps it asks your `AdditiveAttention`, with

* the **query**: the state of its top layer *before* the step, that is, what has been written so far;
* the **keys** and the **values**: both the encoder's outputs, one vector for every source position.

The average that comes back is the *context* of the step. Context and embedded word, side by side *in this order*, are
the GRU's input. From the top layer's output a linear map makes a score (a logit) for every word of the vocabulary.

Write the class `Seq2SeqAttentionDecoder`. What it inherits from, and the encoder, are in `given/seq2seq.py`.

* Its submodules are `attention`, `embedding`, `rnn` (an `nn.GRU`) and `dense` (an `nn.Linear`). The rate `dropout` is
  for the attention weights and, by way of `nn.GRU`, between the layers of the GRU; nothing else is dropped.
* The state is the list `[enc_outputs, hidden, enc_valid_lens]` with the shapes `(batch, src_steps, num_hiddens)`,
  `(num_layers, batch, num_hiddens)` and `(batch,)`; the lengths may be `None`. `init_state` gets the encoder's pair
  `(outputs, hidden)` and the lengths, and makes the first state of them. Mind that the encoder hands its outputs over
  with the steps first, `(src_steps, batch, num_hiddens)`; in the state the batch comes first.
* `forward(X, state)` takes words `(batch, steps)` to logits `(batch, steps, vocab_size)` and the state after the last
  step. Whoever calls it again with that state goes on where it stopped: three words at once, or one after the other,
  make no difference. Whoever calls it again with the *old* state gets the old answer.
* The property `attention_weights` is a list with one tensor `(batch, 1, src_steps)` for each step of the last call.
* *Beyond the book:* a source of length 0 gets weights of exactly 0, hence a context of 0 (the book spreads such a row
  evenly). And what the caller hands you, words, state and lengths, is after the call what it was before.

Example: let `num_hiddens` be 1, and everything in the GRU and in `dense` 0, but `dense.weight` 1. Such a GRU halves its
state at every step. From the hidden state 4 three steps give the logits 2, 1 and 0.5: what comes *out* of each step.
The queries, though, are 4, 2 and 1: the state *before* each step. One step too late, and every glance answers the wrong
question. A model with that mistake still learns something, so you would hardly notice.
"""

from __future__ import annotations

from typing import Any

import torch
from given.seq2seq import AttentionDecoder
from jaxtyping import Float, Int
from scoring.additive_attention import AdditiveAttention
from torch import Tensor, nn


class Seq2SeqAttentionDecoder(AttentionDecoder):
    """A GRU that attends to the source before every step."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        ...

    def init_state(
        self,
        enc_outputs: tuple[Float[Tensor, "src_steps batch hiddens"], Float[Tensor, "layers batch hiddens"]],
        enc_valid_lens: Int[Tensor, " batch"] | None,
        *args: Any,
    ) -> list[Tensor | None]:
        """The state `[enc_outputs, hidden, enc_valid_lens]` before the first word."""
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
