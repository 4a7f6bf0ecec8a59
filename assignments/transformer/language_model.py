"""# A language model

A language model says how probable a text is, and it does so word by word: the probability of a sequence is that of its
first word, times that of the second given the first, and so on (the *chain rule*). All it needs is a network that
names the next token and never looks at it beforehand.

That network is a decoder without a source. And a decoder without a source is an encoder that may not look ahead: your
`EncoderBlock` with the right valid lengths. If a step can see the token that it has to guess, training looks
wonderful, and what is learned is worth nothing.

1. `DecoderOnlyLM(vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len)` takes tokens
   `(batch, steps)` to logits `(batch, steps, vocab_size)`; those of step `t` speak of token `t + 1`. As in your encoder
   there is an `embedding`, whose vectors are multiplied by `sqrt(num_hiddens)`, and a `pos_encoding` (here with
   `max_len` positions); then `blks`, `num_layers` of your `EncoderBlock` without bias, in an `nn.Sequential` or
   `nn.ModuleList`; then `dense`, an `nn.Linear` to the vocabulary. Step `t` sees the tokens 0 to `t`, in training and
   in evaluation alike.
2. `nll(model, X)` returns `(batch, steps - 1)`: for every token after the first, minus the natural logarithm of the
   probability that the model gives it after all tokens before it. Its gradient is what the model is trained by.
3. `generate(model, prefix, num_tokens)` takes a prefix `(batch, start)` to `(batch, start + num_tokens)`: the prefix,
   and then word by word the most probable one (*greedy* decoding). It runs in evaluation mode, and leaves the model in
   the mode in which it came.
* *Beyond the book:* more than `max_len` tokens raise a `ValueError`, in `forward` and therefore in `generate` when it
  would have to read more than that; and the tokens that you are given stay as they are.

In the end the model is trained on the copy task of `given/copying.py`, for 150 steps: five random symbols, a separator,
and the same five again. Nobody can guess the first five, so they must cost `log 8 = 2.08` nats each, no less; and the
second five can be known, so they should cost next to nothing. There is a written question beside this exercise, in
`language_model.md`.

Example: the sequence is `[[2, 0, 1]]`. After `[2]` the model gives the three words the probabilities 0.5, 0.3, 0.2,
and after `[2, 0]` it gives them 0.1, 0.8, 0.1. Then `nll` is `[[-log 0.5, -log 0.8]] = [[0.693, 0.223]]`, the
probability of the sequence (given its first word) is `exp(-0.693 - 0.223) = 0.4`, and after the prefix `[[2, 0]]` the
word 1 is generated.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from self_attention.positional_encoding import PositionalEncoding
from torch import Tensor, nn
from transformer.transformer_encoder import EncoderBlock


class DecoderOnlyLM(nn.Module):
    """Causal blocks between an embedding and a score for every word."""

    def __init__(
        self,
        vocab_size: int,
        num_hiddens: int,
        ffn_num_hiddens: int,
        num_heads: int,
        num_layers: int,
        dropout: float,
        max_len: int,
    ) -> None:
        """Make `embedding`, `pos_encoding`, `blks` and `dense`."""
        super().__init__()
        ...

    def forward(self, X: Int[Tensor, "batch steps"]) -> Float[Tensor, "batch steps vocab_size"]:
        """The logits of the token that follows each step."""
        ...


def nll(model: nn.Module, X: Int[Tensor, "batch steps"]) -> Float[Tensor, "batch steps-1"]:
    """What every token after the first costs, in nats."""
    ...


def generate(model: nn.Module, prefix: Int[Tensor, "batch start"], num_tokens: int) -> Int[Tensor, "batch total"]:
    """The prefix and `num_tokens` more, each the most probable one."""
    ...
