"""# Who is the query?

Attention has three inputs that look the same: rows of numbers. What makes one of them the queries, another the keys and
the third the values is only what is *done* with them. A query is compared with every key, and the comparison decides
how much of each value goes into the answer. If that is all there is to it, you should be able to tell them apart from
outside, by experiment. Here is a box; find out.

`attend(A, B, C)` computes one attention layer. Its three arguments are the queries, the keys and the values, in an
order that nobody tells you. Argument number `i` has the shape `(1, lengths[i], size)`, always exactly this one,
float32 or float64; the output is `(1, number of queries, size)`. Keys and values come in pairs, so two of the lengths
are equal; all three may be. Every length, and `size`, is at least 2. How the box scores a query against a key is its
own affair: a dot product, a small network, a distance. No gradient flows through it.

1. `identify_roles(attend, lengths, size)` finds the roles: a dictionary from the number of each argument (0, 1, 2) to
   `"queries"`, `"keys"` or `"values"`. Choose inputs, change one of them, and watch the output. You may ask the box 20
   times.
2. `decoding_roles()` says who plays which part when a recurrent decoder with Bahdanau attention is about to produce the
   next word: a dictionary with the keys `"query"`, `"key"` and `"value"`.
3. `self_attention_roles()` says the same for the self-attention in a block of a Transformer's *encoder*, and
   `cross_attention_roles()` for the attention in a block of its *decoder* that looks at the source sentence.

The parts in 2 and 3 are played by six actors; use these strings:

* `"previous decoder state"`: the hidden state of a recurrent decoder before this step, one vector;
* `"decoder input token"`: the embedding of the token that the recurrent decoder reads in this step, one vector;
* `"decoder positions"`: one vector for each target position, inside a block of a Transformer's decoder;
* `"encoder states"`: what the finished encoder says of the source, one vector for each source position;
* `"last encoder state"`: the encoder's state after the final source token, one vector;
* `"block inputs"`: one vector for each source position, as they come into a block of the encoder.

*Beyond the book,* which has no code here, nothing is asked. A written question waits beside this file, in
`cues_and_roles.md`.

Example: make a box of your own whose order you know,

    def attend(A, B, C):  # keys, values, queries
        return (C @ A.transpose(1, 2) / A.shape[-1] ** 0.5).softmax(-1) @ B

and `identify_roles(attend, (5, 5, 3), 4)` is `{0: "keys", 1: "values", 2: "queries"}`. Here the lengths give the
queries away. With `(4, 4, 4)` they give nothing away.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def identify_roles(
    attend: Callable[[Tensor, Tensor, Tensor], Tensor], lengths: tuple[int, int, int], size: int
) -> dict[int, str]:
    """Which argument of `attend` is which: its number mapped to "queries", "keys" or "values"."""
    ...


def decoding_roles() -> dict[str, str]:
    """Who is "query", "key" and "value" in a step of the Bahdanau decoder."""
    ...


def self_attention_roles() -> dict[str, str]:
    """Who is "query", "key" and "value" in the self-attention of a Transformer's encoder."""
    ...


def cross_attention_roles() -> dict[str, str]:
    """Who is "query", "key" and "value" where a Transformer's decoder looks at the source."""
    ...
