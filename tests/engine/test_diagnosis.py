"""A mistake is named only when a submission is wrong as one misconception is, and as no other."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

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
OTHERS = '''
@worth(1, hint="h")
@given(n=st.integers(2, 50))
def it_is_positive(student, n):
    """So."""
    assert student.double(n) > 0

@worth(1, hint="h")
@given(n=st.integers(2, 1000))
def it_is_small(student, n):
    """So."""
    assert student.double(n) < 1500

@worth(1, hint="h")
@given(n=st.integers(2, 50))
def it_draws_nothing(student, n):
    """So."""
    numbers = student.double(n)
    assert not numbers.any()

@worth(1, hint="h")
def it_learns(student):
    """So."""
    module = student.double()
    module.load_state_dict({"a": torch.ones(2), "b": torch.full((2,), 3.0)}, strict=False)
    parameters = list(module.parameters())
    torch.autograd.grad(module(torch.ones(2, requires_grad=True)).sum(), parameters, allow_unused=True)
    assert module.kept is None
'''


@pytest.fixture
def failed(write_course: Callable[..., Course]) -> Failed:
    """A property that everybody fails, with its cases and their seed."""
    course = write_course(public=ANSWERS, hidden="")
    (prop,) = load_properties(course, course.exercises[0])
    return prop, draw_cases(prop, 1), 1


@pytest.fixture
def trial(write_course: Callable[..., Course]) -> Callable[[str], Failed]:
    """One of the other properties, with its cases and their seed."""
    course = write_course(public=OTHERS, hidden="")
    properties = {prop.name: prop for prop in load_properties(course, course.exercises[0])}
    return lambda name: (properties[name], draw_cases(properties[name], 1), 1)


def named(failed: Failed, submission: Callable[..., Any], **suspects: Callable[..., Any]) -> str | None:
    """Which suspect is named."""
    solutions = {name: SimpleNamespace(double=solution) for name, solution in suspects.items()}
    connection = local(SimpleNamespace(double=submission))
    return Suspects(solutions, SimpleNamespace(double=lambda n: "right")).name([failed], [], lambda: connection)


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


def test_inputs_that_nobody_was_graded_on_clear_a_suspect(failed: Failed) -> None:
    """2 and 2 is 2 times 2; on fresh inputs the two are told apart."""
    prop, _, seed = failed
    assert named((prop, [{"n": 2}], seed), lambda n: n + n, squared=lambda n: n * n) is None
    assert (
        named((prop, [{"n": 2}], seed), lambda n: n + n, squared=lambda n: n * n, doubled=lambda n: 2 * n) == "doubled"
    )


def test_the_first_input_that_shows_the_mistake_is_looked_for(trial: Callable[[str], Failed]) -> None:
    """It may be behind all that are compared anyway."""
    prop, cases, seed = trial("it_is_small")
    last = next(case for case in cases if case["n"] >= 750)
    rare = (prop, [{"n": 3}] * 20 + [last], seed)
    suspects = {"doubled": lambda n: 2 * n, "tripled": lambda n: 3 * n}
    assert named(rare, lambda n: n + n, **suspects) == "doubled"


def test_who_fails_where_the_submission_passes_is_cleared(trial: Callable[[str], Failed]) -> None:
    """What a mistake leaves right tells of it, too; in which way it is right does not matter."""
    failed = trial("it_is_small")[0], [{"n": 900}], 1
    passed = trial("it_is_positive")[0], [{"n": 30}], 1

    def told(at_30: int) -> str | None:
        connection = local(SimpleNamespace(double=lambda n: 2 * n))
        suspect = SimpleNamespace(double=lambda n: at_30 if n == 30 else 2 * n)
        return Suspects({"doubled": suspect}, None).name([failed], [passed], lambda: connection)

    assert told(60) == "doubled"
    assert told(1) == "doubled"
    assert told(-1) is None


def test_other_draws_of_the_same_law_are_the_same_mistake(trial: Callable[[str], Failed]) -> None:
    """Who draws in another order gets other numbers; who draws other numbers, or none, is somebody else."""
    failed = trial("it_draws_nothing")
    suspects = {
        "normal": lambda n: torch.randn(300),
        "uniform": lambda n: torch.rand(300),
        "holes": lambda n: torch.randn(300) * (torch.rand(300) > 0.5),
        "ones": lambda n: torch.ones(300),
        "short": lambda n: torch.randn(30),
    }
    assert named(failed, lambda n: torch.randn(2, 300)[1], **suspects) == "normal"
    assert named(failed, lambda n: torch.rand(2, 300)[1], **suspects) == "uniform"
    assert named(failed, lambda n: 2 * torch.randn(2, 300)[1], **suspects) is None
    assert named(failed, lambda n: torch.ones(300), **suspects) == "ones"


def test_who_draws_the_same_numbers_is_named_before_who_draws_others(trial: Callable[[str], Failed]) -> None:
    """No accident makes all of them equal."""
    failed = trial("it_draws_nothing")
    suspects = {"same": lambda n: torch.randn(30), "other": lambda n: torch.randn(2, 30)[1]}
    assert named(failed, lambda n: 1 * torch.randn(30), **suspects) == "same"
    assert named(failed, lambda n: torch.randn(3, 30)[2], **suspects) is None


class Linear(nn.Module):
    def __init__(self, *names: str, cut: bool = False, kept: int = 1) -> None:
        super().__init__()
        for name in names:
            self.register_parameter(name, nn.Parameter(torch.rand(2)))
        self.cut = cut
        self.kept = kept

    def forward(self, x: Tensor) -> Tensor:
        a = self.a.detach() if self.cut else self.a
        return a * x + 2 * self.b * x + 0 * self.a


def test_gradients_and_attributes_are_answers_whatever_the_order_of_parameters(trial: Callable[[str], Failed]) -> None:
    """They belong to names; the numbers that a module began with do not matter."""
    failed = trial("it_learns")
    suspects = {
        "right": lambda: Linear("a", "b"),
        "cut": lambda: Linear("a", "b", cut=True),
        "kept": lambda: Linear("a", "b", kept=2),
    }
    assert named(failed, lambda: Linear("b", "a"), **suspects) == "right"
    assert named(failed, lambda: Linear("b", "a", cut=True), **suspects) == "cut"
    assert named(failed, lambda: Linear("b", "a", kept=2), **suspects) == "kept"
    assert named(failed, lambda: Linear("b", "a", kept=3), **suspects) is None
    suspects = {"too_many": lambda: Linear("a", "b", "c", "d")}
    assert named(failed, lambda: Linear("d", "c", "b", "a"), **suspects) == "too_many"


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


def test_what_a_wrong_shape_raises_is_a_matter_of_style(failed: Failed) -> None:
    """PyTorch and Python do not agree on it; a name that does not exist is something else."""

    def raising(kind: type[Exception]) -> Callable[..., Any]:
        def double(n: int) -> Any:
            raise kind

        return double

    assert named(failed, raising(RuntimeError), bad=raising(IndexError)) == "bad"
    assert named(failed, raising(NameError), bad=raising(IndexError)) is None


@pytest.mark.parametrize(
    ("answer", "same", "other"),
    [
        (torch.ones(2), torch.ones(2) + 1e-6, torch.ones(2) + 1e-2),
        (torch.ones(2), torch.ones(2), torch.ones(2, 1)),
        (torch.ones(2), torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), torch.ones(1)),
        (torch.tensor([float("nan")]), torch.tensor([float("inf")]), torch.zeros(1)),
        (float("nan"), float("inf"), 0.0),
        (torch.zeros(2), torch.full((2,), 1e-7), torch.full((2,), 1e-5)),
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

    assert Suspects({"bad": SimpleNamespace(double=lambda n: n)}, None).name([failed], [], connect) is None


def test_a_submission_that_dies_while_it_answers_is_not_named(failed: Failed, full: Sandbox, limits: Limits) -> None:
    """What it has said until then is not enough."""
    worker = full.fork(limits)
    worker.load({"tiny.double": b"import os\ndef double(n): os._exit(0)"}, "tiny.double", ())
    connection = Connection(worker)
    assert Suspects({"bad": SimpleNamespace(double=lambda n: n)}, None).name([failed], [], lambda: connection) is None


def test_a_sandbox_that_fails_is_not_passed_over(failed: Failed) -> None:
    """The result would lack a name that it would have on another day."""

    def connect() -> Any:
        raise SandboxError("the warm process is gone")

    with pytest.raises(SandboxError):
        Suspects({"bad": SimpleNamespace(double=lambda n: n)}, None).name([failed], [], connect)


def test_a_suspect_is_asked_once_for_the_whole_class(failed: Failed) -> None:
    """Its answers are remembered by property and case."""
    asked: list[int] = []
    suspect = SimpleNamespace(double=lambda n: asked.append(n) or 2 * n)
    suspects = Suspects({"doubled": suspect}, None)
    for _ in range(3):
        connection = local(SimpleNamespace(double=lambda n: 2 * n))
        assert suspects.name([failed], [], lambda connection=connection: connection) == "doubled"
    assert len(asked) == 6 + 3


def test_only_a_few_cases_of_a_few_properties_are_compared(failed: Failed) -> None:
    """A slow submission does not wait for its name."""
    started = time.perf_counter()
    assert named(failed, lambda n: time.sleep(0.02) or 2 * n, doubled=lambda n: 2 * n) == "doubled"
    assert time.perf_counter() - started < 2
