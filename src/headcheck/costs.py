"""What a call costs: counted where it runs, and timed by the kernel.

    cost = measure(student.local_attention, queries, keys, values, 3)
    assert_that(cost.largest <= 4 * queries.numel(), "...")

The counts are the worker's own claims, exact but forgeable; `cpu_seconds` is what the kernel charged the worker for,
and no submission can change it. Where points hang on a count, compare `cpu_seconds` at two sizes far apart as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headcheck.counting import counted
from headcheck.student import Handle, call_counted

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Cost:
    """The result of a call and what it took.

    `flops` counts matmuls and convolutions; `largest` is the largest storage made inside the call, in elements;
    `operations` are the first 1,000 dispatched, as `aten.bmm.default`; `cpu_seconds` includes reading the arguments.
    """

    result: Any
    flops: int
    largest: int
    operations: list[str]
    cpu_seconds: float


def measure(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Cost:
    """Call a submission's function or module, or one of the grader's own, and say what it took."""
    if isinstance(function, Handle):
        result, count, cpu_seconds = call_counted(function, args, kwargs)
    else:
        started = time.process_time()
        result, count = counted(lambda: function(*args, **kwargs))
        cpu_seconds = time.process_time() - started
    return Cost(result, count.flops, count.largest, count.operations, cpu_seconds)
