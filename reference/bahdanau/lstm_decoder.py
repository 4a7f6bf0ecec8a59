"""An LSTM keeps two states: what it says, h, and what it remembers, c. Only what it says can ask a question.

The pair travels as one hidden state from the encoder to the decoder and from step to step; everything else stays.
"""

from __future__ import annotations

from typing import Any

import torch
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.seq2seq import AttentionDecoder, Encoder, EncoderDecoder, adam
from jaxtyping import Float, Int
from scoring.additive_attention import AdditiveAttention
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

__all__ = ["EncoderDecoder", "LSTMAttentionDecoder", "LSTMEncoder", "adam", "greedy_decode", "train_step"]

Pair = tuple[Float[Tensor, "layers batch hiddens"], Float[Tensor, "layers batch hiddens"]]
"""The hidden state h and the cell state c of every layer."""


class LSTMEncoder(Encoder):
    """An LSTM that stops at the end of each sentence; Hochreiter and Schmidhuber, 1997."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.LSTM(embed_size, num_hiddens, num_layers, dropout=dropout)

    def forward(
        self, X: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"] | None = None
    ) -> tuple[Float[Tensor, "steps batch hiddens"], Pair]:
        """The top layer's h after each token, the steps first, and the pair (h, c) of every layer after the last."""
        batch, steps = X.shape
        lengths = torch.full((batch,), steps) if valid_lens is None else valid_lens.cpu().clamp(max=steps)
        packed = pack_padded_sequence(self.embedding(X.T), lengths, enforce_sorted=False)  # X.T: the steps come first
        outputs, hidden = self.rnn(packed)
        return pad_packed_sequence(outputs, total_length=steps)[0], hidden


class LSTMAttentionDecoder(AttentionDecoder):
    """An LSTM that attends to the source before every step."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.LSTM(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(
        self,
        enc_outputs: tuple[Float[Tensor, "src_steps batch hiddens"], Pair],
        enc_valid_lens: Int[Tensor, " batch"] | None,
        *args: Any,  # noqa: ARG002
    ) -> list[Any]:
        """The state `[enc_outputs, (h, c), enc_valid_lens]` before the first word, the batch first in `enc_outputs`."""
        outputs, hidden = enc_outputs
        return [outputs.transpose(0, 1), hidden, enc_valid_lens]

    def forward(
        self, X: Int[Tensor, "batch steps"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps vocab"], list[Any]]:
        """A score for every word after each of `X`, and the state after the last."""
        enc_outputs, (h, c), enc_valid_lens = state  # (batch, src_steps, hiddens), twice (layers, batch, hiddens)
        outputs, self._attention_weights = [], []
        for x in self.embedding(X).split(1, dim=1):  # (batch, 1, embed)
            query = h[-1].unsqueeze(1)  # (batch, 1, hiddens)
            context = self.attention(query, enc_outputs, enc_outputs, enc_valid_lens)  # (batch, 1, hiddens)
            output, (h, c) = self.rnn(torch.cat((context, x), dim=-1), (h, c))
            outputs.append(output)
            self._attention_weights.append(self.attention.attention_weights)
        logits = self.dense(torch.cat(outputs, dim=1))  # (batch, steps, vocab)
        return logits, [enc_outputs, (h, c), enc_valid_lens]

    @property
    def attention_weights(self) -> list[Float[Tensor, "batch 1 src_steps"]]:
        """Where each step of the last call looked."""
        return self._attention_weights
