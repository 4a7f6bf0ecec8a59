"""Before each word, look at the source again: the state reached so far is the query, the encoder's outputs the answer.

What is found goes into the recurrent network together with the last word, so every word has a context of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from given.seq2seq import AttentionDecoder
from jaxtyping import Float, Int
from scoring.additive_attention import AdditiveAttention
from torch import Tensor, nn


class Seq2SeqAttentionDecoder(AttentionDecoder):
    """A GRU that attends to the source before every step; Bahdanau et al., 2015, section 3.1."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(
        self,
        enc_outputs: tuple[Float[Tensor, "src_steps batch hiddens"], Float[Tensor, "layers batch hiddens"]],
        enc_valid_lens: Int[Tensor, " batch"] | None,
        *args: Any,  # noqa: ARG002
    ) -> list[Tensor | None]:
        """The state `[enc_outputs, hidden, enc_valid_lens]` before the first word."""
        outputs, hidden = enc_outputs
        return [outputs.transpose(0, 1), hidden, enc_valid_lens]

    def forward(
        self, X: Int[Tensor, "batch steps"], state: list[Any]
    ) -> tuple[Float[Tensor, "batch steps vocab"], list[Any]]:
        """A score for every word after each of `X`, and the state after the last."""
        enc_outputs, hidden, enc_valid_lens = state  # (batch, src_steps, hiddens), (layers, batch, hiddens)
        outputs, self._attention_weights = [], []
        for x in self.embedding(X).split(1, dim=1):  # (batch, 1, embed)
            query = hidden[-1].unsqueeze(1)  # (batch, 1, hiddens)
            context = self.attention(query, enc_outputs, enc_outputs, enc_valid_lens)  # (batch, 1, hiddens)
            output, hidden = self.rnn(torch.cat((context, x), dim=-1), hidden)
            outputs.append(output)
            self._attention_weights.append(self.attention.attention_weights)
        logits = self.dense(torch.cat(outputs, dim=1))  # (batch, steps, vocab)
        return logits, [enc_outputs, hidden, enc_valid_lens]

    @property
    def attention_weights(self) -> list[Float[Tensor, "batch 1 src_steps"]]:
        """Where each step of the last call looked."""
        return self._attention_weights
