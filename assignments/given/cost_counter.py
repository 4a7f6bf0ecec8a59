"""Count what a computation costs, exactly: no clock, so the answer is the same on every machine.

FLOPs are those of matrix products and convolutions, two for each multiply-add; a tanh or a sum counts nothing. The
largest tensor is the largest block of memory that the computation asks for, in numbers, not in bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from headcheck.counting import counted


class Cost(NamedTuple):
    """FLOPs of the matrix products, and the numbers in the largest tensor that was made."""

    flops: int
    largest: int


def count_cost(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Cost:
    """Call `function(*args, **kwargs)` and count; what it returns is thrown away."""
    _, count = counted(lambda: function(*args, **kwargs))
    return Cost(count.flops, count.largest)
