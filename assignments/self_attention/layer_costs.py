"""# What a layer costs

A convolution, a recurrent layer and self-attention all turn `n` tokens of `d` features into `n` tokens of `d` features.
Which one should you use? Ask three questions: how much does it compute, how much of that has to wait, and how far can a
token see? The Transformer owes its success to the answers. The book gives them as orders of magnitude; here you give
exact numbers, and the grader compares them with real PyTorch layers.

Write three functions of whole numbers. `kind` is `"conv"`, `"rnn"` or `"self_attention"`.

`multiply_adds(kind, n, d, k)` counts the products of one layer, each with the addition that goes with it:

* A convolution has a kernel of `k` tokens with `d` channels in and out. Padding keeps `n` tokens, and products with
  padding are counted like all others.
* A recurrent layer multiplies two matrices at each token: one with the input, one with the state. Both are `d` by `d`.
* Self-attention takes the dot product of each token with each, and then mixes the values by the weights. Leave the
  projections and the softmax out.

`sequential_steps(kind, n)` is the number of steps that must follow one another because each waits for the one before.
It says how much parallel hardware can help.

`layers_to_connect(kind, n, k)` is the number of layers that must be stacked until the last output can depend on the
first input; `n` is at least 2. A convolution is centred: with an odd `k` of at least 3 a token sees `k // 2` neighbours
on each side. Mind that layers are counted here and not steps: a state that is handed on from token to token does so
within one layer.

All results are exact `int`s, even where a float would run out of digits.

Example: with `n=5`, `d=2` and `k=3` the convolution takes 60 multiply-adds, the recurrent layer 40 and self-attention
100. At which length would the last two cost the same? The convolution needs 4 layers to connect five tokens, and 2 if
`k` is 5. The recurrent layer needs a single one, but 5 steps to get through it.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["conv", "rnn", "self_attention"]


def multiply_adds(kind: Kind, n: int, d: int, k: int = 3) -> int:
    """Products that one layer takes for n tokens of d features."""
    ...


def sequential_steps(kind: Kind, n: int) -> int:
    """Steps that cannot be taken at the same time, because each needs the result of the one before."""
    ...


def layers_to_connect(kind: Kind, n: int, k: int = 3) -> int:
    """Layers until the last of n outputs depends on the first input."""
    ...
