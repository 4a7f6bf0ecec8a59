"""A sentence asks itself: queries, keys and values are the same tokens, and nothing says in which order they came.

So a permutation of the tokens permutes the output and does nothing else, which a few random permutations can test.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself; Vaswani et al., 2017, section 3.2.3."""

    def __init__(self, num_hiddens: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(num_hiddens, num_hiddens, num_hiddens, num_hiddens, num_heads, dropout)

    def forward(
        self,
        X: Float[Tensor, "batch positions num_hiddens"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch positions"] | None = None,
    ) -> Float[Tensor, "batch positions num_hiddens"]:
        """Every token looks at the first `valid_lens` tokens of its own example."""
        output: Tensor = self.attention(X, X, X, valid_lens)
        return output


@torch.no_grad()
def is_permutation_equivariant(
    f: Callable[[Tensor], Tensor],
    X: Float[Tensor, "batch positions size"],
    *,
    trials: int,
    generator: torch.Generator,
) -> bool:
    """Whether f permutes its output when the positions of X are permuted, as far as `trials` permutations can tell."""

    def agree() -> bool:
        order = torch.randperm(X.shape[1], generator=generator).to(X.device)
        return torch.allclose(f(X[:, order]), Y[:, order], rtol=1e-4, atol=1e-4)

    Y = f(X)
    return all(agree() for _ in range(trials))
