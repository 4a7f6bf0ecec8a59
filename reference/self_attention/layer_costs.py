"""Who multiplies how much, who has to wait for whom, and how many layers two distant tokens need to meet.

Attention pays n * n * d where the others pay n * d * d, and buys with it that everything meets everything at once.
"""

from __future__ import annotations

from math import ceil
from typing import Literal

Kind = Literal["conv", "rnn", "self_attention"]


def multiply_adds(kind: Kind, n: int, d: int, k: int = 3) -> int:
    """Products that one layer takes for n tokens of d features; Vaswani et al., 2017, table 1, with its constants."""
    return {
        "conv": k * n * d * d,  # a (d, d) matrix for each of k neighbours
        "rnn": 2 * n * d * d,  # one for the input and one for the state
        "self_attention": 2 * n * n * d,  # scores, and the mixing of the values
    }[kind]


def sequential_steps(kind: Kind, n: int) -> int:
    """Steps that cannot be taken at the same time, because each needs the result of the one before."""
    return n if kind == "rnn" else 1


def layers_to_connect(kind: Kind, n: int, k: int = 3) -> int:
    """Layers until the last of n outputs depends on the first input."""
    return ceil((n - 1) / (k // 2)) if kind == "conv" else 1
