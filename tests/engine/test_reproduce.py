"""One line that makes a failing call again: said by the exchanges, run by a fresh interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from headcheck.course import read_course
from headcheck.properties import (
    draw_cases,
    load_misconceptions,
    load_properties,
    load_reference,
    mistaken,
    property_seed,
    run,
)
from headcheck.reproduce import MAX_LINE, line_for
from headcheck.student import MAX_EXCHANGES, Student, local

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.student import Exchange

DOUBLE = torch.float64
NUMBERS = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?")


class Linear(nn.Module):
    """A layer with dropout, that remembers what it saw."""

    def __init__(self, size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.W = nn.Linear(size, size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, X: Tensor) -> Tensor:
        self.seen = X.sum(-1)
        return self.dropout(self.W(X))


def double(X: Any, **_: Any) -> Any:
    """Twice as much."""
    return 2 * X


def noise(size: int) -> Tensor:
    """Random numbers."""
    return torch.randn(size)


def pair(size: int) -> tuple[Linear, int]:
    """A layer and its width."""
    return Linear(size), size


def fail(_: object) -> None:
    """Raise."""
    raise ValueError("no")


SUBMISSION = {"double": double, "Linear": Linear, "noise": noise, "pair": pair, "fail": fail}


def line_of(ask: Callable[[Any], Any], **got: Any) -> str:
    """The line for what `ask` does to a submission."""
    exchanges: list[Exchange] = []
    connection = local(SimpleNamespace(**SUBMISSION))
    connection.restart(5, exchanges=exchanges)
    try:
        answer = ask(Student(connection))
    except Exception:  # noqa: BLE001  (that it was raised is told, too)
        answer = None
    return line_for(exchanges, "tiny.double", got or ({"the result": answer} if answer is not None else {}))


def shown_by(line: str) -> Any:
    """What the line prints, the functions being there already."""
    shown: list[Any] = []
    _, _, statements = line.partition("; ")
    exec(statements, {**SUBMISSION, "torch": torch, "print": shown.append})
    return shown[-1]


def test_a_call_is_said_with_its_arguments() -> None:
    """Tensors as they are read, other values as Python writes them."""
    line = line_of(lambda student: student.double(torch.tensor([[1.0, 2.5]]), a=(1,), b=[None, "x"], c={"k": 0.5}))
    assert line == (
        "from tiny.double import double; import torch; "
        "print(double(torch.tensor([[1., 2.5]]), a=(1,), b=[None, 'x'], c={'k': 0.5}))"
    )
    assert line_of(lambda student: student.double(3)) == "from tiny.double import double; print(double(3))"


@pytest.mark.parametrize(
    "argument",
    [
        torch.tensor([1, 2]),
        torch.tensor(True),
        torch.tensor([0.1, float("nan"), float("-inf"), 1e10]),
        torch.tensor([0.1, 1 / 3], dtype=DOUBLE),
        torch.tensor([0.1, 3.0], dtype=torch.bfloat16),
        torch.zeros(2, 3, dtype=DOUBLE),
        torch.ones(5),
        torch.zeros(2, 0),
        torch.arange(6.0).reshape(2, 3).T,
        3 * torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(7), dtype=DOUBLE),
    ],
)
def test_a_tensor_is_said_exactly(argument: Tensor) -> None:
    """Whatever its dtype, numbers and order in memory."""
    shown = shown_by(line_of(lambda student: student.double(argument)))
    assert (shown.dtype, shown.shape, shown.stride()) == ((2 * argument).dtype, argument.shape, (2 * argument).stride())
    assert torch.equal(shown.nan_to_num(), (2 * argument).nan_to_num())


def test_a_module_is_made_and_put_into_its_state() -> None:
    """Its last weights, its mode and its dtype; calls that came before the answer are left out."""

    def ask(student: Any) -> Any:
        m = student.Linear(1).double().train()
        m(torch.zeros(1, 1, dtype=DOUBLE))
        m.load_state_dict({"W.weight": torch.tensor([[3.0]], dtype=DOUBLE)})
        return m.eval()(torch.tensor([[2.0]], dtype=DOUBLE))

    line = line_of(ask)
    assert line == (
        "from tiny.double import Linear; import torch; m = Linear(1).eval().double(); "
        "m.load_state_dict({n: torch.full_like(w, 3) for n, w in m.state_dict().items()}); "
        "print(m(torch.tensor([[2.]]).double()))"
    )
    assert shown_by(line).item() == 6


def test_weights_that_were_drawn_are_drawn_again() -> None:
    """By the seed of what the grader loaded, or of what the module began with."""

    def loads(student: Any) -> Any:
        m = student.Linear(3)
        generator = torch.Generator().manual_seed(4)
        m.load_state_dict({"W.weight": 0.5 * torch.randn(3, 3, generator=generator)})
        return m(torch.ones(1, 3))

    for ask in (loads, lambda student: student.Linear(3)(torch.ones(1, 3))):
        answers: list[Tensor] = []
        line = line_of(lambda student, ask=ask, answers=answers: answers.append(ask(student)) or answers[-1])
        assert torch.equal(shown_by(line), answers[0])
        assert "torch.manual_seed(" in line


@pytest.mark.parametrize("ask", [lambda student: student.Linear(8, 0.5)(torch.randn(8, generator=torch.manual_seed(1))),
                                 lambda student: student.noise(8)])  # fmt: skip
def test_what_draws_is_called_under_its_seed(ask: Callable[[Any], Any]) -> None:
    """Dropout, and numbers made out of none."""
    answers: list[Tensor] = []
    line = line_of(lambda student: answers.append(ask(student)) or answers[-1])
    assert torch.equal(shown_by(line), answers[0])


def test_an_attribute_is_read_after_the_call_that_left_it() -> None:
    """As a student would look at `attention_weights`."""

    def ask(student: Any) -> Any:
        m = student.Linear(2)
        m(torch.zeros(1, 2))
        m(torch.ones(1, 2))
        return m.seen

    line = line_of(ask)
    assert line.endswith("m(torch.tensor([[1., 1.]])); print(m.seen)")
    assert shown_by(line).tolist() == [2.0]


def test_the_answer_that_is_shown_is_the_one_that_is_asked_for() -> None:
    """Not always the last; without one it is."""

    def ask(student: Any) -> Any:
        student.double(torch.ones(1))
        student.double(torch.zeros(1))

    assert "torch.tensor([1.])" in line_of(ask, got=torch.tensor([2.0]))
    assert "torch.tensor([0.])" in line_of(ask, got=torch.tensor([5.0]))


def test_parameters_are_listed_by_name_and_shape() -> None:
    """Where the claim is about what there is."""
    line = line_of(lambda student: list(student.Linear(2).parameters()) and None)
    assert shown_by(line) == {"W.weight": (2, 2)}


def test_weights_are_shown_where_nothing_was_asked_after_them() -> None:
    """They may be what it was about, as names that are not there; before another call they are only read."""

    def read_last(student: Student) -> None:
        student.Linear(2)(torch.zeros(1, 2))
        student.Linear(2).state_dict()

    def read_first(student: Student) -> None:
        layer = student.Linear(2)
        layer.state_dict()
        layer(torch.zeros(1, 2))

    assert line_of(read_last).endswith("m = Linear(2); print(m.state_dict())")
    assert line_of(read_first).endswith("m = Linear(2); print(m(torch.tensor([[0., 0.]])))")


def test_what_raises_is_called_again() -> None:
    """The student sees the exception in their own shell."""
    line = line_of(lambda student: student.fail(1))
    with pytest.raises(ValueError, match="no"):
        shown_by(line)


def spent(student: Any) -> None:
    """More than is remembered."""
    for _ in range(MAX_EXCHANGES):
        student.double(1)


def stepped(student: Any) -> Any:
    """Change the weights from here."""
    m = student.Linear(2)
    with torch.no_grad():
        for parameter in m.parameters():
            parameter.add_(1)
    return m(torch.ones(2))


def gradient(student: Any) -> None:
    """Ask for a gradient last."""
    X = torch.ones(2, requires_grad=True)
    torch.autograd.grad(student.double(X).sum(), X)


@pytest.mark.parametrize(
    "ask",
    [
        spent,
        stepped,
        gradient,
        lambda student: None,
        lambda student: student.double(torch.rand(60)),
        lambda student: student.double(torch.rand(500)),
        lambda student: student.double(torch.zeros(3, device="meta")),
        lambda student: student.noise(lambda: 3),
        lambda student: student.noise(_used_generator()),
        lambda student: student.pair(2)[0](torch.ones(2)),
    ],
)
def test_what_does_not_fit_a_line_has_none(ask: Callable[[Any], Any]) -> None:
    """A training, a gradient, a large tensor, a part of an answer, a function of the grader's, a used generator."""
    assert line_of(ask) == ""


def _used_generator() -> torch.Generator:
    generator = torch.Generator().manual_seed(1)
    torch.randn(3, generator=generator)
    return generator


def test_long_numbers_are_cut_where_the_line_would_be_too_long() -> None:
    """To five digits, of which a shell shows four behind the point."""
    argument = torch.rand(16, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    line = line_of(lambda student: student.double(argument))
    assert 0 < len(line) <= MAX_LINE
    assert torch.allclose(shown_by(line), 2 * argument, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "property_name", "wrong"),
    [
        ("scoring/masked_softmax", "valid_keys_are_weighted_as_if_alone", 0),
        ("scoring/dot_product_attention", "agrees_with_pytorch", 0),
        ("multihead/multi_head_attention", "output_agrees_with_torch", 0),
        ("kernel_regression/average_and_kernel_pooling", "average_is_the_mean_for_every_query", 0),
    ],
)
def test_a_fresh_interpreter_shows_what_was_got(name: str, property_name: str, wrong: int, tmp_path: Path) -> None:
    """In a directory that holds nothing but the student's files."""
    course = read_course(Path(__file__).parents[2])
    exercise = course.exercise(name)
    misconception = load_misconceptions(course, exercise)[wrong]
    connection = local(mistaken(course, exercise, misconception))
    prop = next(prop for prop in load_properties(course, exercise) if prop.name == property_name)
    seed = property_seed(course.seed, exercise, prop)
    verdict = run(prop, draw_cases(prop, seed), lambda: connection, load_reference(course, exercise), seed=seed)
    assert verdict.counterexample is not None
    sources = course.reference_sources(exercise) | {
        "wrong": exercise.misconceptions.read_bytes(),
        "headcheck.properties": b"def misconception(**_): return lambda solution: solution",
    }
    sources[exercise.module] += f"\n\nfrom wrong import {misconception.name} as {misconception.of}\n".encode()
    for module, text in sources.items():
        file = tmp_path / f"{module.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    line = verdict.counterexample.reproduce
    shown = subprocess.run([sys.executable, "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    (got,) = verdict.got.values()
    assert NUMBERS.findall(shown.stdout) == NUMBERS.findall(str(got.detach()))
