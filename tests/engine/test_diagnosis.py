"""A mistake is named only when the answers are those of one misconception, and of no other."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from headcheck.diagnosis import Suspects
from headcheck.errors import SandboxError, StudentDied
from headcheck.properties import draw_cases, load_properties
from headcheck.student import Connection, local

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.course import Course, Limits
    from headcheck.properties import Case, Property
    from headcheck.sandbox import Sandbox

    Failed = tuple[Property, list[Case], int]

ANSWERS = '''
@worth(1, hint="h")
@given(n=st.integers(2, 50))
def it_answers(student, n):
    """So."""
    assert student.double(n) == "right"
'''


@pytest.fixture
def failed(write_course: Callable[..., Course]) -> Failed:
    """A property that everybody fails, with its cases and their seed."""
    course = write_course(public=ANSWERS, hidden="")
    (prop,) = load_properties(course, course.exercises[0])
    return prop, draw_cases(prop, 1), 1


def named(failed: Failed, submission: Callable[..., Any], **suspects: Callable[..., Any]) -> str | None:
    """Which suspect is named."""
    solutions = {name: SimpleNamespace(double=solution) for name, solution in suspects.items()}
    connection = local(SimpleNamespace(double=submission))
    return Suspects(solutions, SimpleNamespace(double=lambda n: "right")).name([failed], lambda: connection)


def test_the_one_suspect_with_the_same_answers_is_named(failed: Failed) -> None:
    """Another way to write it makes no difference."""
    assert named(failed, lambda n: n + n, squared=lambda n: n * n, doubled=lambda n: 2 * n) == "doubled"


def test_two_suspects_with_the_same_answers_are_not_named(failed: Failed) -> None:
    """Which of them it is nobody knows."""
    assert named(failed, lambda n: n + n, doubled=lambda n: 2 * n, added=lambda n: n + n) is None


def test_a_single_other_answer_clears_a_suspect(failed: Failed) -> None:
    """Almost the same is another mistake."""
    odd = failed[1][5]["n"]
    assert named(failed, lambda n: n if n == odd else 2 * n, doubled=lambda n: 2 * n) is None


def test_without_suspects_nobody_is_named(failed: Failed) -> None:
    """A released copy has no misconceptions."""
    assert named(failed, lambda n: n) is None


def test_what_raises_as_a_suspect_does_is_named(failed: Failed) -> None:
    """The kind of the exception is an answer, its text is not."""

    def raising(kind: type[Exception], text: str) -> Callable[..., Any]:
        def double(n: int) -> Any:
            raise kind(text)

        return double

    assert named(failed, raising(ValueError, "a"), bad=raising(ValueError, "b"), worse=raising(KeyError, "a")) == "bad"


@pytest.mark.parametrize(
    ("answer", "same", "other"),
    [
        (torch.ones(2), torch.ones(2) + 1e-6, torch.ones(2) + 1e-2),
        (torch.ones(2), torch.ones(2), torch.ones(2, 1)),
        (torch.ones(2), torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), torch.ones(1)),
        (torch.ones(2, device="meta"), torch.zeros(2, device="meta"), torch.ones(2)),
        ([1, (2.0, None)], [1, (2.0, None)], [1, (2.0, 0)]),
        ([1, 2], [1, 2], [1]),
        ({"a": 1.0}, {"a": 1.0 + 1e-9}, {"b": 1.0}),
        (1, 1, 1.0),
        (True, True, 1),
        ("a", "a", "b"),
        (None, None, "a"),
        (object(), object(), 1),
    ],
)
def test_answers_are_compared_as_what_they_are(failed: Failed, answer: Any, same: Any, other: Any) -> None:
    """Numbers up to rounding; shape, dtype, type and length exactly."""
    assert named(failed, lambda n: answer, suspect=lambda n: same) == "suspect"
    assert named(failed, lambda n: answer, suspect=lambda n: other) is None


def test_a_submission_that_dies_is_not_named(failed: Failed) -> None:
    """It does not even answer."""

    def connect() -> Any:
        raise StudentDied("gone")

    assert Suspects({"bad": SimpleNamespace(double=lambda n: n)}, None).name([failed], connect) is None


def test_a_submission_that_dies_while_it_answers_is_not_named(failed: Failed, full: Sandbox, limits: Limits) -> None:
    """What it has said until then is not enough."""
    worker = full.fork(limits)
    worker.load({"tiny.double": b"import os\ndef double(n): os._exit(0)"}, "tiny.double", ())
    connection = Connection(worker)
    assert Suspects({"bad": SimpleNamespace(double=lambda n: n)}, None).name([failed], lambda: connection) is None


def test_a_sandbox_that_fails_is_not_passed_over(failed: Failed) -> None:
    """The result would lack a name that it would have on another day."""

    def connect() -> Any:
        raise SandboxError("the warm process is gone")

    with pytest.raises(SandboxError):
        Suspects({"bad": SimpleNamespace(double=lambda n: n)}, None).name([failed], connect)


def test_a_suspect_is_asked_once_for_the_whole_class(failed: Failed) -> None:
    """Its answers are remembered by property and case."""
    asked: list[int] = []
    suspect = SimpleNamespace(double=lambda n: asked.append(n) or 2 * n)
    suspects = Suspects({"doubled": suspect}, None)
    for _ in range(3):
        connection = local(SimpleNamespace(double=lambda n: 2 * n))
        assert suspects.name([failed], lambda connection=connection: connection) == "doubled"
    assert len(asked) == len(failed[1][:8])


def test_only_a_few_cases_of_a_few_properties_are_compared(failed: Failed) -> None:
    """A slow submission does not wait for its name."""
    started = time.perf_counter()
    assert named(failed, lambda n: time.sleep(0.02) or 2 * n, doubled=lambda n: 2 * n) == "doubled"
    assert time.perf_counter() - started < 2
