"""# A deep stack of attention

If one layer of self-attention is good, are twelve better? Stack them and see nothing but attention at work: each layer
replaces every token by an average over all tokens. Averages lie closer together than what they were made of, and the
next layer averages the averages. Soon all tokens of a sentence are the same vector, and nothing that comes later can
tell the first word from the last: the *rank* of the matrix of tokens has collapsed to 1. Real Transformers are deep and
do not collapse, so something in them must work against it. Here you measure what.

`given/blocks.py` hands you the pieces. `random_tokens(generator)` draws 8 sequences of 10 tokens with 32 features, and
`AttentionBlock(generator)` is a layer norm followed by multi-head attention (yours), whose weights come from the same
generator. A block returns only what its tokens have seen: the residual connection is yours to add, or to leave out.

Write two functions.

* `token_similarity(X)` takes tokens `(batch, positions, size)`, at least two in each sequence, and returns a Python
  `float`: the mean cosine of two *different* tokens of the same sequence, over all pairs and all sequences. The cosine
  of two vectors is their dot product divided by both their lengths.
* `similarity_by_depth(depth, residual=..., seed=...)` builds a stack of `depth` blocks, each with weights of its own,
  and sends random tokens through. It returns a list of `depth` numbers: the similarity after the first block, after the
  second, and so on. With `residual`, what a block returns is added to what went in; without, it takes its place. All
  that is random comes from one `torch.Generator` with this seed, first the tokens, then the blocks in their order.
* *Beyond the book:* a token of zeros has no direction. Its cosine with any other counts as 0, and never becomes NaN.
  And the tokens are the caller's, so leave them as they are.

Then run it, with and without the residual connection, to depth 12. A written question waits in `deep_stack.md`.

Example: the tokens `[2, 0]`, `[0, 5]` and `[1, 1]` form three pairs with the cosines 0, 0.707 and 0.707, so their
similarity is 0.471. Each token's cosine with itself would be 1, whatever the tokens are; it tells nothing.
"""

from __future__ import annotations

import torch
from given.blocks import AttentionBlock, random_tokens
from jaxtyping import Float
from torch import Tensor, nn


def token_similarity(X: Float[Tensor, "batch positions size"]) -> float:
    """How much alike the tokens of a sequence are, on average: 1 if all point in one direction."""
    ...


def similarity_by_depth(depth: int, *, residual: bool, seed: int) -> list[float]:
    """The similarity of the tokens after each block of a stack, `depth` numbers."""
    ...
