"""Which misconception behaves like this submission: the same answers, call by call, where the submission fails.

A misconception is named only when its answers equal the submission's on every input that was compared, and when no
other misconception's do. What is compared are the values that calls return, not whether a property passes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headcheck.errors import HeadcheckError, SandboxError, StudentRaised
from headcheck.properties import call
from headcheck.student import local

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.properties import Case, Property
    from headcheck.student import Connection

    Trace = list[Any]

CASES = 8
PROPERTIES = 4
TOLERANCE = 1e-4


class Suspects:
    """An exercise's misconceptions, and what they answer: asked once, remembered for the class."""

    def __init__(self, solutions: dict[str, Any], reference: object) -> None:
        self._connections = {name: local(solution) for name, solution in solutions.items()}
        self._reference = reference
        self._known: dict[tuple[str, str, int], Trace] = {}

    def name(self, failed: list[tuple[Property, list[Case], int]], connect: Callable[[], Connection]) -> str | None:
        """The one misconception that answers like the submission on the failed properties (with cases and seeds)."""
        left = list(self._connections)
        for prop, cases, seed in failed[:PROPERTIES]:
            for number, case in enumerate(cases[:CASES]):
                try:
                    trace = _trace(prop, case, connect(), self._reference, seed)
                except SandboxError:
                    raise
                except HeadcheckError:
                    return None  # it does not even answer here
                left = [name for name in left if _equal(trace, self._answers(name, prop, number, case, seed))]
                if not left:
                    return None
        return left[0] if len(left) == 1 else None

    def _answers(self, name: str, prop: Property, number: int, case: Case, seed: int) -> Trace:
        key = name, prop.name, number
        if key not in self._known:
            self._known[key] = _trace(prop, case, self._connections[name], self._reference, seed)
        return self._known[key]


def _trace(prop: Property, case: Case, connection: Connection, reference: object, seed: int) -> Trace:
    """What the calls of one example return, up to the one at which the property fails."""
    answers: Trace = []
    try:
        call(prop, case, connection, reference, seed, answers)
    except StudentRaised as error:
        answers.append(f"raised {error.kind}")
    except HeadcheckError:
        raise
    except Exception:  # noqa: BLE001, S110  (that it fails is known; the answers until then are what counts)
        pass
    return answers


def _equal(left: Any, right: Any) -> bool:
    match left, right:
        case Tensor(), Tensor():
            return (
                left.shape == right.shape
                and left.dtype == right.dtype
                and left.device == right.device
                and (left.device.type == "meta" or _close(left.detach(), right.detach()))
            )
        case list() | tuple(), list() | tuple():
            return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
        case dict(), dict():
            return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
        case bool() | int() | float(), bool() | int() | float():
            return type(left) is type(right) and (left == right or math.isclose(left, right, rel_tol=TOLERANCE))
        case str() | None, str() | None:
            return bool(left == right)
        case _:
            return type(left) is type(right)


def _close(left: Tensor, right: Tensor) -> bool:
    return torch.allclose(
        left.to(torch.complex128), right.to(torch.complex128), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
    )
