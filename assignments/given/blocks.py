"""Pieces of a deep stack: tokens to start from, and pre-norm blocks with weights that are drawn from a generator.

A block normalises every token, works on what it has normalised, and returns that work alone. A residual connection
around it is up to whoever stacks it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor, nn

BATCH, POSITIONS, SIZE, NUM_HEADS = 8, 10, 32, 4


def random_tokens(generator: torch.Generator) -> Float[Tensor, "batch positions size"]:
    """Eight sequences of ten tokens, all normal numbers of their own: (8, 10, 32)."""
    return torch.randn(BATCH, POSITIONS, SIZE, generator=generator)


class AttentionBlock(nn.Module):
    """Every token looks at all tokens of its sequence, with four heads and without dropout."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(SIZE)
        self.attention = MultiHeadAttention(SIZE, SIZE, SIZE, SIZE, NUM_HEADS, 0.0)
        for matrix in (self.attention.W_q, self.attention.W_k, self.attention.W_v, self.attention.W_o):
            nn.init.xavier_uniform_(matrix.weight, generator=generator)

    def forward(self, X: Float[Tensor, "batch positions size"]) -> Float[Tensor, "batch positions size"]:
        """What the tokens have seen, without themselves added."""
        normalised = self.norm(X)
        seen: Tensor = self.attention(normalised, normalised, normalised)
        return seen


class FeedForwardBlock(nn.Module):
    """Every token is worked on by itself: 32 features become 64, then 32 again."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(SIZE)
        self.widen, self.narrow = nn.Linear(SIZE, 2 * SIZE), nn.Linear(2 * SIZE, SIZE)
        for layer in (self.widen, self.narrow):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, X: Float[Tensor, "batch positions size"]) -> Float[Tensor, "batch positions size"]:
        """What the work made of each token, without the token added."""
        worked: Tensor = self.narrow(self.widen(self.norm(X)).relu())
        return worked
