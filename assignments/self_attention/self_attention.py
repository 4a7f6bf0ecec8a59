"""# Self-attention and order

So far somebody asked and somebody else was asked: a decoder's state, and the words of a source sentence. Now let a
sentence ask itself. Each token is query, key and value at once, and comes out as a mixture of all tokens, seen from
where it stands. One such layer connects the first word with the last one directly, in a single step. It is the
building block of the Transformer, and after your multi-head attention it is hardly any work.

But look at what it cannot see. Its scores compare tokens with tokens, and nowhere does a position enter. Shuffle the
sentence, and the very same outputs come back, shuffled: the layer is *permutation equivariant*. "Dog bites man" and
"man bites dog" are the same to it. This is why the next exercises add positions.

Write two things.

`SelfAttention(num_hiddens, num_heads, dropout)` holds one `MultiHeadAttention` without biases, under the name
`attention`, whose sizes are all `num_hiddens`.

* `forward(X, valid_lens)` takes tokens `(batch, positions, num_hiddens)` and gives as many numbers back.
* `valid_lens` says how many tokens of an example may be looked at: `None`, `(batch,)` or `(batch, positions)`. It hides
  keys and not queries: a padded token still looks at the valid ones, and its output is an ordinary, finite one.

`is_permutation_equivariant(f, X, trials=..., generator=...)` finds out whether a function `f` has this property. Draw
`trials` random permutations of the positions of `X`, each from `generator`, and compare `f` of the permuted tokens
with the permuted `f(X)`. Return a `bool`. Sums in another order differ in the last digits of float32, so differences up
to 1e-5 do not count; but one of 0.01 does.

*Beyond the book:* an example of length 0 has outputs of exactly 0, without NaN anywhere. Tokens and lengths are the
caller's, so leave them as they are. And half precision in is half precision out.

Example: `is_permutation_equivariant(f, torch.randn(2, 5, 8), trials=10, generator=torch.Generator())` is `True` for
`f = SelfAttention(8, 2, 0.0)` and for `torch.relu`. It is `False` for `lambda X: X.cumsum(dim=1)`, since a running sum
depends on who came before, and for `lambda X: X.flip(1)`. (Which single permutation would not notice the last one?)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself."""

    def __init__(self, num_hiddens: int, num_heads: int, dropout: float) -> None:
        """Make `attention`."""
        super().__init__()
        ...

    def forward(
        self,
        X: Float[Tensor, "batch positions num_hiddens"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch positions"] | None = None,
    ) -> Float[Tensor, "batch positions num_hiddens"]:
        """Every token looks at the first `valid_lens` tokens of its own example."""
        ...


def is_permutation_equivariant(
    f: Callable[[Tensor], Tensor],
    X: Float[Tensor, "batch positions size"],
    *,
    trials: int,
    generator: torch.Generator,
) -> bool:
    """Whether f permutes its output when the positions of X are permuted, as far as `trials` permutations can tell."""
    ...
