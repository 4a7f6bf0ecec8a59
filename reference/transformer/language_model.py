"""An encoder that may not look ahead is a decoder: each step sees itself and what came before, and names the next.

A valid length for every step is all the mask there is: step t has t + 1 valid keys.
"""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Float, Int
from self_attention.positional_encoding import PositionalEncoding
from torch import Tensor, nn
from transformer.transformer_encoder import EncoderBlock


class DecoderOnlyLM(nn.Module):
    """A language model of causal blocks; Radford et al., 2018, section 3.1."""

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
        super().__init__()
        d = num_hiddens
        self.max_len = max_len
        self.embedding = nn.Embedding(vocab_size, d)
        self.pos_encoding = PositionalEncoding(d, dropout, max_len)
        self.blks = nn.ModuleList(
            EncoderBlock(d, d, d, d, [d], d, ffn_num_hiddens, num_heads, dropout) for _ in range(num_layers)
        )
        self.dense = nn.Linear(d, vocab_size)

    def forward(self, X: Int[Tensor, "batch steps"]) -> Float[Tensor, "batch steps vocab_size"]:
        """The logits of the token that follows each step."""
        batch, steps = X.shape
        if steps > self.max_len:
            raise ValueError(f"a sequence of {steps} tokens; this model takes {self.max_len}")
        visible = torch.arange(1, steps + 1, device=X.device).expand(batch, -1)  # (batch, steps): up to itself
        H = self.pos_encoding(self.embedding(X) * sqrt(self.embedding.embedding_dim))  # (batch, steps, num_hiddens)
        for block in self.blks:
            H = block(H, visible)
        logits: Tensor = self.dense(H)
        return logits


def nll(model: nn.Module, X: Int[Tensor, "batch steps"]) -> Float[Tensor, "batch steps-1"]:
    """Minus the log-probability, in nats, of every token after the first, given all tokens before it."""
    logits = model(X[:, :-1])  # (batch, steps - 1, vocab_size)
    return nn.functional.cross_entropy(logits.transpose(1, 2), X[:, 1:], reduction="none")


@torch.no_grad()
def generate(model: nn.Module, prefix: Int[Tensor, "batch start"], num_tokens: int) -> Int[Tensor, "batch total"]:
    """The prefix and `num_tokens` more, each the most probable one after all tokens before it."""
    training = model.training
    model.eval()
    try:
        for _ in range(num_tokens):
            best = model(prefix)[:, -1:].argmax(-1)  # (batch, 1)
            prefix = torch.cat([prefix, best], dim=1)
    finally:
        model.train(training)
    return prefix
