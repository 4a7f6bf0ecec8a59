"""Sequence to sequence: an encoder reads a sentence, a decoder writes another one, token by token.

Everything has the batch first, but for what `Seq2SeqEncoder` hands over: there, as in the book, the steps come first.
Sentences of a batch are padded to the same number of steps, so lengths go with them: `valid_lens[i]` tokens of example
`i` count, the rest is padding.

The two halves talk through a *state*. The decoder makes it from what the encoder found (`init_state`), and every call
of the decoder takes a state and returns the next one, so that a sentence can be written in one call or in many.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Encoder(nn.Module, ABC):
    """Reads the source."""

    @abstractmethod
    def forward(self, X: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"] | None = None) -> Any:
        """Whatever the decoder needs to know of `X`."""


class Decoder(nn.Module, ABC):
    """Writes the target, given a state."""

    @abstractmethod
    def init_state(self, enc_outputs: Any, enc_valid_lens: Int[Tensor, " batch"] | None, *args: Any) -> Any:
        """The state before the first token, from what the encoder returned."""

    @abstractmethod
    def forward(self, X: Int[Tensor, "batch steps"], state: Any) -> tuple[Float[Tensor, "batch steps vocab"], Any]:
        """For each token of `X` the scores of the one that follows it, and the state after the last."""


class AttentionDecoder(Decoder):
    """A decoder that can tell where it looked."""

    @property
    @abstractmethod
    def attention_weights(self) -> Any:
        """The attention weights of the last call."""


class EncoderDecoder(nn.Module):
    """The two halves in a row."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(
        self,
        src: Int[Tensor, "batch src_steps"],
        dec_inputs: Int[Tensor, "batch steps"],
        src_valid_lens: Int[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch steps vocab"], Any]:
        """The decoder's scores for what follows each of `dec_inputs`, and its last state."""
        state = self.decoder.init_state(self.encoder(src, src_valid_lens), src_valid_lens)
        return self.decoder(dec_inputs, state)  # type: ignore[no-any-return]


class Seq2SeqEncoder(Encoder):
    """A GRU that stops at the end of each sentence: padding changes neither its outputs nor its last state."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)

    def forward(
        self, X: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"] | None = None
    ) -> tuple[Float[Tensor, "steps batch hiddens"], Float[Tensor, "layers batch hiddens"]]:
        """The top layer's state after each token (0 at padding; the steps first), and every layer's after the last.

        Lengths are at least 1; without `valid_lens` nothing is padding.
        """
        batch, steps = X.shape
        lengths = torch.full((batch,), steps) if valid_lens is None else valid_lens.cpu().clamp(max=steps)
        packed = pack_padded_sequence(self.embedding(X), lengths, batch_first=True, enforce_sorted=False)
        outputs, hidden = self.rnn(packed)
        return pad_packed_sequence(outputs, total_length=steps)[0], hidden


def adam(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """The optimizer that training uses."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def sgd(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Plain gradient descent: a step is `lr` times the gradient, nothing else, which makes steps easy to check."""
    return torch.optim.SGD(model.parameters(), lr=lr)
