"""What a call costs, in a worker and in this process alike; the CPU seconds are the kernel's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch

from headcheck.costs import measure
from headcheck.errors import ProtocolError
from headcheck.protocol import Done, Remote
from headcheck.student import Connection, Student, local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.course import Limits
    from headcheck.protocol import Ask, Request
    from headcheck.sandbox import Sandbox

TEXT = """
import os, time
from torch import nn
def gram(X): return (X @ X.T).sum()
def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
def forged(seconds):
    busy(seconds)
    time.clock_gettime = time.process_time = lambda *_: 0.0
    return seconds
class Linear(nn.Linear): pass
"""


@pytest.fixture
def student(full: Sandbox, limits: Limits) -> Iterator[Student]:
    """The text above in the sandbox."""
    worker = full.fork(limits)
    worker.load({"tiny.costly": TEXT.encode()}, "tiny.costly", ())
    yield Student(Connection(worker))
    worker.end()


def gram(X: torch.Tensor) -> torch.Tensor:
    """The sum of all products of two rows."""
    return (X @ X.T).sum()


@pytest.mark.parametrize("where", ["sandbox", "session", "plain"])
def test_a_cost_is_the_same_wherever_the_call_runs(student: Student, where: str) -> None:
    """A submission's, a reference's through a session, and a plain function."""
    session = Student(local(SimpleNamespace(gram=gram)))
    function = {"sandbox": student, "session": session, "plain": SimpleNamespace(gram=gram)}[where].gram
    cost = measure(function, torch.ones(9, 4))
    assert cost.result == 9 * 9 * 4
    assert (cost.flops, cost.largest) == (2 * 9 * 9 * 4, 81)
    assert "aten.mm.default" in cost.operations
    assert cost.cpu_seconds >= 0


def test_a_module_is_measured_like_a_function(student: Student) -> None:
    """Its parameters are no storage made inside the call."""
    cost = measure(student.Linear(3, 500), torch.ones(2, 3))
    assert cost.largest == 1000


def test_cpu_seconds_are_the_kernels(student: Student) -> None:
    """Whatever the submission does to the clocks in its own process."""
    cost = measure(student.forged, 0.3)
    assert 0.3 <= cost.cpu_seconds < 3


def test_waiting_costs_no_cpu(student: Student) -> None:
    """It is not the wall clock."""
    assert measure(student.gram, torch.ones(2, 2)).cpu_seconds < 0.3


def test_a_worker_that_does_not_count_is_found_out() -> None:
    """It must answer a counted call with a count."""

    class Silent:
        def request(self, request: Request, answer: Callable[[Ask], object]) -> Done:
            return Done(Remote(1, "callable", "function") if type(request).__name__ == "Get" else None, {}, {}, "")

        def cpu_seconds(self) -> float:
            return 0.0

    with pytest.raises(ProtocolError, match="was to be counted"):
        measure(Student(Connection(Silent())).gram, 1)
