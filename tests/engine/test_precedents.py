"""Who answers as another has that passed, passes; and whoever does not is judged as if nobody had been before."""

from __future__ import annotations

import dataclasses
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from headcheck import precedents, properties
from headcheck.grading import Paper, Sitting, examine, prepare
from headcheck.precedents import AT_ONCE, Precedents
from headcheck.properties import draw_cases, load_properties, run
from headcheck.protocol import Call, Turn, decode_request, encode
from headcheck.student import Connection, LocalLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.course import Course, Limits
    from headcheck.properties import Property, Verdict
    from headcheck.protocol import Request
    from headcheck.sandbox import Sandbox

    Judge = Callable[..., Verdict]

EVEN = '''
@worth(1, hint="Count.", examples=40)
@given(n=st.integers(1, 1000))
def it_is_even(student, reference, n):
    """Whatever comes out is even."""
    reference.run()
    assert_that(student.double(n) % 2 == 0, "it is odd", n=n)
'''


class Asked:
    """A submission in this process, and what it is asked together."""

    def __init__(self, **names: Any) -> None:
        line = LocalLine(SimpleNamespace(**names))
        self._session = line._session
        self.connection = Connection(line, together=self._together)
        self.waves: list[list[Request]] = []

    def _together(self, frames: list[bytes]) -> Iterator[bytes]:
        self.waves.append([])
        for frame in frames:
            turn, request = messages(frame)
            assert isinstance(turn, Turn)
            self._session.turn(turn.example)
            self.waves[-1].append(request)
            yield encode(self._session.answer(request))[4:]


def messages(data: bytes) -> Iterator[Request]:
    """All of a stream."""
    while data:
        size = int.from_bytes(data[:4])
        yield decode_request(data[4 : 4 + size])
        data = data[4 + size :]


class Court:
    """One property, put to one submission after another."""

    def __init__(self, prop: Property) -> None:
        self.prop = prop
        self.cases = draw_cases(prop, 1)
        self.precedents = Precedents()
        self.runs = 0  # of the property's own lines, for the last submission
        self.waves: list[list[Request]] = []

    def judge(self, *, alone: bool = False, shrink: bool = False, **names: Any) -> Verdict:
        """The verdict, without its seconds."""
        asked = Asked(**names)
        self.runs, self.waves = 0, asked.waves
        reference = SimpleNamespace(run=self._count, double=lambda X: 2 * X)
        known = None if alone else self.precedents
        verdict = run(
            self.prop, self.cases, lambda: asked.connection, reference, seed=1, shrink=shrink, precedents=known
        )
        return dataclasses.replace(verdict, seconds=0.0)

    def _count(self) -> None:
        self.runs += 1


@pytest.fixture
def court(write_course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Court]:
    """That of the only property in a text of public graders; it has time."""
    monkeypatch.setattr(properties, "QUICK_SECONDS", 60.0)

    def hold(text: str) -> Court:
        course = write_course(public=text, hidden="")
        return Court(load_properties(course, course.exercises[0])[0])

    return hold


def test_who_answers_as_another_has_that_passed_passes(court: Callable[[str], Court]) -> None:
    """The property does not run; another right answer is judged once, and known from then on."""
    even = court(EVEN)
    counted = []
    for factor in (2, 2, 4, 4, 2):
        verdict = even.judge(double=lambda n, factor=factor: factor * n)
        counted.append((verdict.outcome, even.runs == len(even.cases)))
    assert counted == [("passed", True), ("passed", False), ("passed", True), ("passed", False), ("passed", False)]
    assert even.runs == 0


def test_who_answers_otherwise_is_judged_as_if_nobody_had_been_before(court: Callable[[str], Court]) -> None:
    """At the first input on which it is wrong, with the same words; what it passed before it does not matter."""
    even = court(EVEN)
    even.judge(double=lambda n: 2 * n)
    wrong = sorted(case["n"] for case in even.cases)[len(even.cases) // 2]
    found = even.judge(double=lambda n: 2 * n + (n >= wrong))
    assert (found.outcome, even.runs) == ("failed", 1)
    assert found == even.judge(double=lambda n: 2 * n + (n >= wrong), alone=True)


def test_what_fails_is_never_a_precedent(court: Callable[[str], Court]) -> None:
    """A second one that is wrong alike fails alike."""
    even = court(EVEN)
    assert [even.judge(double=lambda n: n).outcome for _ in range(2)] == ["failed", "failed"]


BIG = """
@worth(1, hint="h", examples=40)
@given(X=seeds().map(lambda seed: normal((4, 5), seed)))
def it_doubles(student, reference, X):
    '''Twice as much.'''
    reference.run()
    assert_close(student.double(X), 2 * X, what="double(X)")
"""


def test_who_fails_as_another_did_is_shown_the_same_smallest_input(court: Callable[[str], Court]) -> None:
    """Without a search for it: two runs of the property tell."""
    doubles = court(BIG)
    first = doubles.judge(double=lambda X: X + 1, shrink=True)
    assert (first.outcome, doubles.runs > 3) == ("failed", True)
    second = doubles.judge(double=lambda X: 1 + X, shrink=True)
    assert (second, doubles.runs) == (first, 2)


def test_who_does_not_fail_there_has_a_search_of_its_own(court: Callable[[str], Court]) -> None:
    """And an input on which it fails."""
    doubles = court(BIG)
    doubles.judge(double=lambda X: X + 1, shrink=True)
    other = doubles.judge(double=lambda X: 2 * X + (X != 0), shrink=True)
    assert (other.outcome, doubles.runs > 3) == ("failed", True)
    assert other.case["X"].any()


TWO_QUESTIONS = '''
@worth(1, hint="Count.", examples=40)
@given(n=st.integers(1, 10**9))
def it_comes_back(student, reference, n):
    """What was doubled can be halved."""
    reference.run()
    assert_that(student.half(student.double(n)) == n, "it is lost", n=n)
'''


def test_a_frame_goes_only_after_the_replies_that_led_to_it(court: Callable[[str], Court]) -> None:
    """The second question holds the answer to the first: nobody shall find it among what waits to be read."""
    both = court(TWO_QUESTIONS)
    both.judge(double=lambda n: 2 * n, half=lambda n: n // 2)
    both.judge(double=lambda n: 2 * n, half=lambda n: n // 2)
    called = [{request.ref for request in wave if isinstance(request, Call)} for wave in both.waves]
    assert [refs for refs in called if refs] == [{"double"}, {"half"}] * -(-len(both.cases) // AT_ONCE)
    assert both.runs == 0


def test_who_strays_is_not_asked_what_would_follow(court: Callable[[str], Court]) -> None:
    """The answers to the first question may be read off the second."""
    both = court(TWO_QUESTIONS)
    both.judge(double=lambda n: 2 * n, half=lambda n: n // 2)
    assert both.judge(double=lambda n: 3 * n, half=lambda n: n // 2).outcome == "failed"
    assert {request.ref for wave in both.waves for request in wave if isinstance(request, Call)} == {"double"}


def test_a_name_that_is_only_looked_at_must_be_there(court: Callable[[str], Court]) -> None:
    """Also when nobody calls it."""
    there = court('@worth(1, hint="h")\ndef it_is_there(student):\n    """It is defined."""\n    student.double\n')
    assert [there.judge(**names).outcome for names in ({"double": len}, {}, {"double": 3})] == [
        "passed",
        "failed",
        "passed",
    ]


def test_many_inputs_are_asked_together(court: Callable[[str], Court]) -> None:
    """But not all at once: the worker holds what each of them has made."""
    even = court(EVEN)
    even.judge(double=lambda n: 2 * n)
    even.judge(double=lambda n: 2 * n)
    sizes = [len(wave) for wave in even.waves if wave and isinstance(wave[0], Call)]
    assert (sum(sizes), max(sizes)) == (len(even.cases), AT_ONCE)


OBJECTS = '''
@worth(1, hint="h", examples=20)
@given(seed=seeds())
def it_learns(student, reference, seed):
    """A gradient step on one weight lowers the loss."""
    reference.run()
    X = torch.randn(3, 2, generator=torch.Generator().manual_seed(seed))
    layer = student.Layer(2)
    weights = list(layer.parameters())
    before = layer(X)
    before.sum().backward()
    with torch.no_grad():
        for weight in weights:
            weight -= 0.1 * weight.grad
    assert_that(bool(layer(X).sum() < before.sum()), "it rose")
'''


class Layer(nn.Module):
    """A linear map."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.map = nn.Linear(size, 1)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """X (rows, size) by the map."""
        return self.map(X)


def test_objects_graphs_and_weights_of_inputs_that_are_asked_in_turn_do_not_mix(court: Callable[[str], Court]) -> None:
    """Each input has a layer of its own, whatever its number."""
    learns = court(OBJECTS)
    first = learns.judge(Layer=Layer)
    assert (first.outcome, first.message) == ("passed", "")
    assert (learns.judge(Layer=Layer).outcome, learns.runs) == ("passed", 0)


def test_a_state_that_inputs_share_costs_no_points(court: Callable[[str], Court]) -> None:
    """It may answer otherwise when inputs take turns; alone it is right."""

    def submission() -> dict[str, Any]:
        seen: list[int] = []
        return {"double": seen.append, "half": lambda _: seen[-1]}

    both = court(TWO_QUESTIONS)
    assert both.judge(**submission()).outcome == "passed"
    assert both.judge(**submission()).outcome == "passed"
    assert both.runs > 0


MORE_TO_IT = {
    "a function of the grader's": "student.use([{'f': lambda: reference.run()}], 1)",
    "a clock": "from headcheck.student import call_counted; reference.run(); call_counted(student.use, ([], 1), {})",
    "a changed argument": "reference.run(); student.fill(torch.zeros(2))",
    "something printed": "reference.run(); student.say()",
    "a curve": "from headcheck.compare import record; reference.run(); record('loss', [student.use([], 1.0)])",
    "no question": "reference.run()",
    "too many questions": "reference.run(); [student.use([], n) for n in range(600)]",
}


@pytest.mark.parametrize("line", MORE_TO_IT.values(), ids=MORE_TO_IT)
def test_where_there_is_more_to_it_than_answers_the_property_runs(court: Callable[[str], Court], line: str) -> None:
    """Each time."""

    def use(functions: list[dict[str, Callable[[], None]]], value: float) -> float:
        for function in functions:
            function["f"]()
        return value

    names = {"use": use, "fill": lambda X: X.fill_(1).sum(), "say": lambda: sys.stdout.write("said")}
    held = court(f'@worth(1, hint="h")\ndef it_is_so(student, reference):\n    """So."""\n    {line}\n')
    for _ in range(2):
        assert (held.judge(**names).outcome, held.runs > 0) == ("passed", True)


def test_what_takes_long_is_asked_alone(court: Callable[[str], Court], monkeypatch: pytest.MonkeyPatch) -> None:
    """Several together have less time than each of them alone."""
    even = court(EVEN)
    monkeypatch.setattr(properties, "QUICK_SECONDS", 0.0)
    even.judge(double=lambda n: 2 * n)
    even.judge(double=lambda n: 2 * n)
    assert even.runs == len(even.cases)


def test_what_is_kept_is_bounded(court: Callable[[str], Court], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that the property runs."""
    monkeypatch.setattr(precedents, "MAX_BYTES", 100)
    even = court(EVEN)
    even.judge(double=lambda n: 2 * n)
    even.judge(double=lambda n: 2 * n)
    assert 0 < even.runs < len(even.cases)


# In the sandbox

RIGHT = "def double(X):\n    return 2 * X\n"
ENDS = {
    "hangs": "while True: pass",
    "exits": "import os; os._exit(0)",
    "talks": "import os; os.write(3, b'x' * 9)",
}


@pytest.fixture
def sat(write_course: Callable[..., Course], full: Sandbox, impatient: Limits) -> Callable[[str], list[str]]:
    """How the properties of one exam end, for one text after another."""
    course = write_course()
    exam = prepare(course, course.exercises[0], seed=1)
    exercise = dataclasses.replace(exam.exercise, limits=impatient)

    def sit(text: str) -> list[str]:
        sitting = Sitting(full, Paper(exercise, {"tiny.double": text.encode()}, []))
        try:
            return [result.outcome for result in examine(exam, sitting.connect, shrink=False)]
        finally:
            sitting.close()

    return sit


def test_in_the_sandbox_too(sat: Callable[[str], list[str]]) -> None:
    """The same file and another that is as right."""
    assert {outcome for text in (RIGHT, RIGHT, RIGHT.replace("2 * X", "X + X")) for outcome in sat(text)} == {"passed"}


@pytest.mark.parametrize("act", ENDS.values(), ids=ENDS)
def test_who_ends_when_asked_together_is_asked_alone(sat: Callable[[str], list[str]], act: str) -> None:
    """And ends as it does where nobody has been before."""
    text = f"def double(X):\n    if X.numel() > 3:\n        {act}\n    return 2 * X\n"
    before = sat(text)
    assert sat(RIGHT) == ["passed"] * len(before)
    assert sat(text) == before
    assert before != ["passed"] * len(before)
