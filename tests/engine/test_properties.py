"""What an author may declare, and how one property judges one submission."""

from __future__ import annotations

import dataclasses
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import torch

from headcheck.errors import CourseError, SandboxError, StudentDied
from headcheck.properties import (
    SHRINKING_CALLS,
    SHRINKING_SECONDS,
    Verdict,
    count_hidden,
    draw_cases,
    load_hints,
    load_misconceptions,
    load_properties,
    load_reference,
    load_right_curves,
    load_steps,
    mistaken,
    property_seed,
    run,
    show,
)  # fmt: skip
from headcheck.results import Curve
from headcheck.student import local

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.course import Course
    from headcheck.properties import Property

    WriteCourse = Callable[..., Course]

UNDER_TEN = '''
@worth(1, hint="Count.")
@given(n=st.integers(0, 1000))
def it_says_yes(student, n):
    """Every number is answered with True."""
    assert_that(student.double(n) is True, "it says no", n=n)
'''


def test_hints_are_read_in_order(write_course: WriteCourse) -> None:
    """None where the public graders have none, or are not there; only texts will do."""
    course = write_course(public=UNDER_TEN + "\nHINTS = ('Think.', 'Think again.')\n")
    assert load_hints(course, course.exercises[0]) == ("Think.", "Think again.")
    public, text = course.exercises[0].public, course.exercises[0].public.read_text()
    public.write_text(f"{text}\ndel HINTS\n")
    assert load_hints(course, course.exercises[0]) == ()
    public.write_text(f"{text}\nHINTS = 'Think.'\n")
    with pytest.raises(CourseError, match=r"HINTS in public\.py must be a tuple of texts"):
        load_hints(course, course.exercises[0])
    public.unlink()
    assert load_hints(course, course.exercises[0]) == ()


TRAINING = '''
from headcheck.compare import assert_measured, record

@worth(1, hint="h", training=True)
def it_learns(student):
    """It learns."""
    X = torch.ones(2)
    record("loss", student.double(X))
    assert_measured(4.0, what="loss", at_most=5.0)
    student.double(X).nothing
'''


@pytest.fixture
def property_of(write_course: WriteCourse) -> Callable[[str], Property]:
    """The only property of a text of public graders."""

    def load(text: str) -> Property:
        course = write_course(public=text, hidden="")
        return load_properties(course, course.exercises[0])[0]

    return load


def judge(prop: Property, solution: Callable[..., Any], *, seed: int = 1, **options: Any) -> Verdict:
    """The verdict on a function called `double`, in this process."""
    connection = local(SimpleNamespace(double=solution))
    reference = options.pop("reference", SimpleNamespace(double=lambda X: X))
    return run(prop, draw_cases(prop, seed), lambda: connection, reference, seed=seed, **options)


def timeless(verdict: Verdict) -> Verdict:
    """The verdict without its seconds."""
    return dataclasses.replace(verdict, seconds=0.0)


# What an author declares


def test_gates_come_first_and_training_last(write_course: WriteCourse) -> None:
    """Whatever their order in the files, public and hidden."""
    body = '(student):\n    """It is so."""\n'
    public = f'@worth(1, hint="h", training=True)\ndef slow{body}@worth(1, hint="h")\ndef plain{body}'
    hidden = f'@worth(1, hint="h")\ndef hidden{body}@worth(1, hint="h", gate=True)\ndef gate{body}'
    course = write_course(public=public, hidden=hidden)
    found = load_properties(course, course.exercises[0])
    assert [prop.name for prop in found] == ["gate", "plain", "hidden", "slow"]
    assert [prop.visibility for prop in found] == ["hidden", "public", "hidden", "public"]
    assert count_hidden(course, course.exercises[0]) == 2


STEPS = """
from headcheck.properties import step

@step("the second")
def b(student):
    assert student.double(1) == 2

@step("the first", examples=3)
@given(n=st.integers(0, 9))
def a(student, n):
    assert student.double(n) == 2 * n
"""


def test_steps_are_no_properties(write_course: WriteCourse) -> None:
    """They have a name, an order, inputs and verdicts; no points, and no place among what is counted."""
    course = write_course(public=STEPS + UNDER_TEN, hidden="")
    exercise = course.exercises[0]
    assert [prop.name for prop in load_properties(course, exercise)] == ["it_says_yes"]
    assert count_hidden(course, exercise) == 0
    steps = load_steps(course, exercise)
    assert [(step.name, step.sentence) for step in steps] == [("b", "the second"), ("a", "the first")]
    assert [(step.worth.points, len(draw_cases(step, 1))) for step in steps] == [(0.0, 1), (0.0, 3)]
    assert [judge(step, lambda n: 2 * n).outcome for step in steps] == ["passed", "passed"]
    assert [judge(step, lambda n: n + 1, shrink=False).outcome for step in steps] == ["passed", "failed"]
    exercise.public.unlink()
    assert load_steps(course, exercise) == []


def test_a_course_without_hidden_graders_has_the_public_properties(write_course: WriteCourse) -> None:
    """A student's copy is one."""
    course = write_course()
    course.exercises[0].hidden.unlink()
    assert {prop.visibility for prop in load_properties(course, course.exercises[0])} == {"public"}
    assert count_hidden(course, course.exercises[0]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def silent(student): pass", "the property silent has no docstring"),
        ('def greedy(student, case):\n    """So."""', r"the property greedy takes case, but has no @given"),
        ('def blind(reference):\n    """So."""', "the property blind does not take `student`"),
    ],
)
def test_a_property_that_cannot_be_run_is_the_authors_mistake(write_course: WriteCourse, text: str, said: str) -> None:
    """The message names the exercise and the property."""
    course = write_course(public=f'@worth(1, hint="h")\n{text}')
    with pytest.raises(CourseError, match=f"tiny/double: {said}"):
        load_properties(course, course.exercises[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def wrong(X): return X", "the misconception wrong has no docstring to tell the student"),
        ('@misconception(of="triple")\ndef wrong(X):\n    """You."""', "wrong must say of which of double it is one"),
    ],
)
def test_a_misconception_that_says_nothing_is_the_authors_mistake(
    write_course: WriteCourse, text: str, said: str
) -> None:
    """It stands for one of the exercise's names, and its docstring is what the student is told."""
    course = write_course(misconceptions=text)
    with pytest.raises(CourseError, match=f"tiny/double: the misconception {said}|tiny/double: {said}"):
        load_misconceptions(course, course.exercises[0])


def test_a_misconception_is_the_reference_with_one_name_replaced(write_course: WriteCourse) -> None:
    """Private helpers and imported names are none; the text is one line."""
    text = '''
def _helper(X): return X

@misconception(of="double", group="robust")
def unchanged(X):
    """You returned X.

    What is twice X?
    """
    return _helper(X)
'''
    course = write_course(misconceptions=text)
    double = course.exercises[0]
    (wrong,) = load_misconceptions(course, double)
    assert (wrong.name, wrong.of, wrong.group) == ("unchanged", "double", "robust")
    assert wrong.message == "You returned X. What is twice X?"
    assert mistaken(course, double, wrong).double(3) == 3
    assert load_reference(course, double).double(3) == 6


# Inputs


def test_the_same_seed_draws_the_same_inputs(property_of: Callable[[str], Property]) -> None:
    """Twice the same for the same seed, others for another."""
    prop = property_of(UNDER_TEN)
    assert draw_cases(prop, 1) == draw_cases(prop, 1)
    assert draw_cases(prop, 1) != draw_cases(prop, 2)
    assert len(draw_cases(prop, 1)) == prop.worth.examples


def test_the_seed_of_a_property_is_its_own(course: Course) -> None:
    """It depends on the class's seed, the exercise and the property, and on nothing else."""
    double, twice = course.exercises
    one, two = load_properties(course, double)[:2]
    seeds = [property_seed(1, double, one), property_seed(2, double, one), property_seed(1, twice, one)]
    seeds.append(property_seed(1, double, two))
    assert len(set(seeds)) == 4
    assert seeds[0] == property_seed(1, double, one)


def test_a_property_without_given_runs_once(property_of: Callable[[str], Property]) -> None:
    """On one empty case."""
    prop = property_of('@worth(1, hint="h")\ndef once(student):\n    """So."""\n    assert student.double(1) == 2')
    assert draw_cases(prop, 1) == [{}]
    assert judge(prop, lambda n: 2 * n).outcome == "passed"
    assert judge(prop, lambda n: n).message == "So."


def test_a_submission_that_changes_its_arguments_does_not_change_the_inputs(
    property_of: Callable[[str], Property],
) -> None:
    """The next student gets what this one got."""
    prop = property_of(
        '@worth(1, hint="h")\n@given(seed=seeds())\ndef p(student, seed):\n    """So."""\n    student.double(seed)\n'
    )
    cases = [{"seed": torch.ones(3)}, {"seed": torch.full((2,), 4.0)}]
    connection = local(SimpleNamespace(double=lambda X: X.zero_()))
    assert run(prop, cases, lambda: connection, None, seed=1).outcome == "passed"
    assert [case["seed"].tolist() for case in cases] == [[1, 1, 1], [4, 4]]


def test_a_submission_that_changes_what_it_is_compared_with_fails(property_of: Callable[[str], Property]) -> None:
    """Though the property computes what it wants after the call, from the argument."""
    text = """
@worth(1, hint="Double.")
def it_doubles(student):
    \"\"\"Twice the input.\"\"\"
    X = torch.ones(2)
    assert_close(student.double(X), 2 * X)
"""

    def overwrites(X: torch.Tensor) -> torch.Tensor:
        return X.zero_()

    def doubles_in_place(X: torch.Tensor) -> torch.Tensor:
        answer = 2 * X
        X.copy_(X.clone())
        return answer

    prop = property_of(text)
    assert judge(prop, overwrites).outcome == "failed"
    assert judge(prop, doubles_in_place).outcome == "passed"


def test_what_a_submission_changed_is_put_back(property_of: Callable[[str], Property]) -> None:
    """Also in what outlives the property: the next submission meets it as it was."""
    text = """
SHARED = torch.ones(2)
@worth(1, hint="Do nothing.")
def shared_is_given_back(student):
    \"\"\"Ones.\"\"\"
    before = SHARED.clone()
    assert_close(before, torch.ones(2))
    student.double(SHARED)
"""
    prop = property_of(text)
    assert [judge(prop, lambda X: X.zero_()).outcome for _ in range(2)] == ["passed", "passed"]


def test_a_property_leaves_the_global_generator_alone(property_of: Callable[[str], Property]) -> None:
    """What an author or a submission draws is nobody else's randomness."""
    prop = property_of('@worth(1, hint="h")\ndef p(student):\n    """So."""\n    student.double(torch.randn(3))\n')
    torch.manual_seed(5)
    before = torch.get_rng_state()
    judge(prop, lambda X: X + torch.rand(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_random_in_a_submission_is_drawn_by_the_seed(property_of: Callable[[str], Property]) -> None:
    """The same seed, the same verdict and counterexample, twice."""
    prop = property_of(
        '@worth(1, hint="h")\n@given(seed=seeds())\ndef p(student, seed):\n    """So."""\n'
        "    assert_close(student.double(torch.ones(2)), torch.ones(2))\n"
    )
    first, again = (judge(prop, lambda X: X + torch.rand(2)) for _ in range(2))
    assert first.outcome == "failed"
    assert timeless(first) == timeless(again)
    assert judge(prop, lambda X: X + torch.rand(2), seed=2).message != first.message


# Verdicts


def test_a_failure_shows_the_smallest_input(property_of: Callable[[str], Property]) -> None:
    """Of all numbers that are answered wrongly it is the first."""
    verdict = judge(property_of(UNDER_TEN), lambda n: n < 10)
    assert verdict.outcome == "failed"
    assert verdict.counterexample is not None
    assert verdict.counterexample.inputs == {"n": 10}
    assert verdict.counterexample.got == {"n": 10}


def test_another_seed_finds_the_same_smallest_input(property_of: Callable[[str], Property]) -> None:
    """Where shrinking ends does not depend on where it starts."""
    prop = property_of(UNDER_TEN)
    assert timeless(judge(prop, lambda n: n < 10, seed=8)) == timeless(judge(prop, lambda n: n < 10, seed=9))


def test_without_shrinking_the_first_failure_is_shown(property_of: Callable[[str], Property]) -> None:
    """An audit has no use for a small one."""
    prop = property_of(UNDER_TEN)
    first = next(case["n"] for case in draw_cases(prop, 1) if case["n"] >= 10)
    verdict = judge(prop, lambda n: n < 10, shrink=False)
    assert verdict.counterexample is not None
    assert verdict.counterexample.inputs == {"n": first}


def test_shrinking_stays_within_its_calls(property_of: Callable[[str], Property]) -> None:
    """A submission that fails everywhere is not called for ever."""
    prop = property_of(UNDER_TEN.replace("st.integers(0, 1000)", "st.lists(st.integers(), min_size=30)"))
    calls: list[Any] = []
    judge(prop, lambda n: calls.append(n) or sum(n) < -(10**9))
    assert len(calls) <= prop.worth.examples + SHRINKING_CALLS


def test_shrinking_stays_within_its_seconds(property_of: Callable[[str], Property]) -> None:
    """A slow student waits for about a second, not for all of Hypothesis."""
    many = "st.lists(st.integers(-1000, 1000), min_size=30, max_size=30)"  # which takes hundreds of calls to shrink
    prop = property_of(UNDER_TEN.replace("st.integers(0, 1000)", many))
    calls: list[bool] = []

    def double(n: Any) -> bool:
        calls.append(sum(map(abs, n)) < 1000)
        time.sleep(SHRINKING_SECONDS / 5)
        return calls[-1]

    assert judge(prop, double).outcome == "failed"
    shrinking = len(calls) - calls.index(False) - 1
    assert 1 <= shrinking <= 6


SCORES = '''
from headcheck.strategies import masked_scores
@worth(1, hint="Double.")
@given(case=masked_scores(dtype=torch.float64))
def it_doubles(student, case):
    """Twice the input."""
    assert_close(student.double(case.scores), 2 * case.scores, what="answer")
'''


def shown_scores(verdict: Verdict) -> Any:
    """The scores of a counterexample."""
    assert verdict.counterexample is not None
    return verdict.counterexample.inputs["scores"]["values"]


@pytest.mark.parametrize("reference", [None, SimpleNamespace(double=lambda X: 2 * X)])
def test_a_failure_shows_one_short_number(property_of: Callable[[str], Property], reference: Any) -> None:
    """Of tensors, too, the smallest is found, whether there is a reference or not."""
    verdict = judge(property_of(SCORES), lambda X: 2 * X + 1, reference=reference)
    assert shown_scores(verdict) in ([[[0.0]]], [[[1.0]]])
    assert verdict.message.startswith("answer[0, 0, 0] is ")


def test_a_counterexample_is_one_that_the_reference_passes(property_of: Callable[[str], Property]) -> None:
    """Here the reference is wrong on a single key, so two are shown."""
    reference = SimpleNamespace(double=lambda X: 2 * X + (X.shape[-1] == 1))
    verdict = judge(property_of(SCORES), lambda X: 2 * X + 1, reference=reference)
    assert len(shown_scores(verdict)[0][0]) == 2


def test_a_simpler_input_fails_in_the_same_way(property_of: Callable[[str], Property]) -> None:
    """One that raises is another mistake than one that is answered wrongly, however small it is."""

    def double(X: torch.Tensor) -> torch.Tensor:
        if not X.any():
            raise ValueError("nothing to double")
        return 2 * X + 1

    verdict = judge(property_of(SCORES), double)
    assert verdict.message.startswith("answer[")
    assert shown_scores(verdict) != [[[0.0]]]


def test_an_answer_that_changes_each_time_ends_the_search_in_time(property_of: Callable[[str], Property]) -> None:
    """The best that was found is kept, after no more calls than there are."""
    calls = iter(range(10**6))
    prop = property_of(SCORES)
    assert judge(prop, lambda X: 2 * X + next(calls) % 3).outcome == "failed"
    assert next(calls) <= prop.worth.examples + SHRINKING_CALLS


def test_a_submission_that_dies_while_its_failure_is_made_smaller_is_left_in_peace(
    property_of: Callable[[str], Property],
) -> None:
    """The failure that was found counts; nothing is called after it."""
    prop = property_of(SCORES)
    connection = local(SimpleNamespace(double=lambda X: X))
    calls: list[int] = []

    def connect() -> Any:
        calls.append(1)
        if len(calls) > 5:
            raise StudentDied("it is gone")
        return connection

    verdict = run(prop, draw_cases(prop, 1), connect, None, seed=1)
    assert (verdict.outcome, len(calls)) == ("failed", 6)


def test_a_failure_comes_with_the_line_that_shows_it(property_of: Callable[[str], Property]) -> None:
    """By the exercise's module; a failure that was not made smaller has none."""
    prop = property_of(SCORES)
    verdict = judge(prop, lambda X: 2 * X + 1)
    assert verdict.counterexample is not None
    assert verdict.counterexample.reproduce == (
        "from tiny.double import double; import torch; print(double(torch.tensor([[[0.]]]).double()))"
    )
    unshrunk = judge(prop, lambda X: 2 * X + 1, shrink=False)
    assert unshrunk.counterexample is not None
    assert unshrunk.counterexample.reproduce == ""


def test_a_failure_that_comes_and_goes_is_still_a_failure(property_of: Callable[[str], Property]) -> None:
    """Shrinking cannot meet it again, so the first example is shown."""
    answers = iter([False])
    verdict = judge(property_of(UNDER_TEN), lambda n: next(answers, True))
    assert (verdict.outcome, verdict.message) == ("failed", "it says no")


@pytest.mark.parametrize(
    "escape",
    [hypothesis.reject, lambda: hypothesis.assume(False), lambda: pytest.skip("no"), SystemExit, KeyboardInterrupt],
)
def test_no_exception_gets_a_submission_out_of_an_example(property_of: Callable[[str], Property], escape: Any) -> None:
    """Rejecting an input, skipping a test or leaving the interpreter is a failure like any other."""

    def double(n: int) -> bool:
        result = escape()
        raise result if isinstance(result, BaseException) else AssertionError

    verdict = judge(property_of(UNDER_TEN), double, shrink=False)
    assert verdict.outcome == "failed"
    assert verdict.message.startswith("your code raised ")


ODD = '''
@worth(1, hint="h")
@given(n=st.integers(0, 9))
def it_is_even(student, n):
    """So."""
    assert student.double(n) % 2 == 0
'''


def test_odd_values_that_the_grader_cannot_use_are_a_failure(property_of: Callable[[str], Property]) -> None:
    """It is the submission's: the reference does not meet this error."""
    verdict = judge(property_of(ODD), lambda n: {"n": n}, reference=SimpleNamespace(double=lambda n: 2 * n))
    assert verdict.outcome == "failed"
    assert verdict.message.startswith("what your code returned could not be used: TypeError")


def test_without_a_reference_odd_values_are_a_failure_too(property_of: Callable[[str], Property]) -> None:
    """A student's copy has none, and never says that its grader is broken when the answer is wrong."""
    assert judge(property_of(ODD), lambda n: {"n": n}, reference=None).outcome == "failed"


def test_an_error_that_the_reference_meets_too_is_ours(property_of: Callable[[str], Property]) -> None:
    """`broken`, with the property and the error for the instructor."""
    prop = property_of('@worth(1, hint="h")\ndef p(student):\n    """So."""\n    student.double(1) / 0\n')
    verdict = judge(prop, lambda n: n)
    assert verdict.outcome == "broken"
    assert verdict.message == "the property p failed on the reference too: ZeroDivisionError: division by zero"


def test_a_sandbox_that_fails_is_ours(property_of: Callable[[str], Property]) -> None:
    """Never the student's points."""

    def connect() -> Any:
        raise SandboxError("the warm process is gone")

    prop = property_of(UNDER_TEN)
    verdict = run(prop, draw_cases(prop, 1), connect, None, seed=1)
    assert (verdict.outcome, verdict.message) == ("broken", "the warm process is gone")


# Values in a report


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1.5, 1.5),
        ((1, [2.0]), [1, [2.0]]),
        ({1: "a"}, {"1": "a"}),
        (object(), "<object>"),
        (torch.tensor([1.0, float("inf")]), {"dtype": "float32", "shape": [2], "values": [1.0, "inf"]}),
        (torch.tensor(True), {"dtype": "bool", "shape": [], "values": True}),
        (torch.tensor([1 + 2j]), {"dtype": "complex64", "shape": [1], "values": ["(1+2j)"]}),
        (torch.zeros(17, 16), {"dtype": "float32", "shape": [17, 16]}),
        (torch.zeros(2, device="meta"), {"dtype": "float32", "shape": [2]}),
    ],
)
def test_a_value_is_shown_as_json_can_hold_it(value: object, shown: object) -> None:
    """Of a large tensor only the shape, of an unknown object only the kind."""
    assert show(value) == shown


def test_what_is_too_large_or_too_deep_is_shown_by_its_kind() -> None:
    """A result holds no megabytes of a submission's making, and no depth at which JSON gives up."""
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    for value in ("x" * 20_000, ["x" * 100] * 200, deep):
        assert show(value) == f"<{type(value).__name__}, too large to be shown>"


def test_a_remote_object_is_shown_by_its_kind() -> None:
    """What stays in the worker has no value here."""
    handle = local(SimpleNamespace(double=print)).get(0, "double")
    assert show(handle) == "<callable builtin_function_or_method of the submission>"


def test_a_dataclass_is_shown_by_its_fields(property_of: Callable[[str], Property]) -> None:
    """A reader sees scores and lengths, not the name of a strategy's class."""
    prop = property_of(
        "from headcheck.strategies import masked_scores\n"
        '@worth(1, hint="h")\n@given(case=masked_scores())\ndef p(student, case):\n    """So."""\n'
        "    assert student.double(1)\n"
    )
    verdict = judge(prop, lambda n: 0)
    assert verdict.counterexample is not None
    assert set(verdict.counterexample.inputs) == {"scores", "valid_lens"}


def test_curves_are_those_of_the_submission_alone(property_of: Callable[[str], Property]) -> None:
    """Also where the property is run again, on the reference."""
    prop = property_of(TRAINING)
    reference = SimpleNamespace(double=lambda X: SimpleNamespace(nothing=X))

    verdict = judge(prop, lambda X: [7.0, 6.0], reference=reference)
    assert verdict.outcome == "failed"
    assert verdict.curves == [Curve("loss", [7.0, 6.0, 4.0], at_most=5.0)]


def test_a_passing_training_has_curves_too(property_of: Callable[[str], Property]) -> None:
    """Once, also where the property is run again because arguments were changed."""
    prop = property_of(TRAINING.replace("    student.double(X).nothing\n", ""))

    def changes(X: torch.Tensor) -> list[float]:
        X.zero_()
        return [7.0]

    for solution in (lambda X: [7.0], changes):
        verdict = judge(prop, solution)
        assert (verdict.outcome, [curve.values for curve in verdict.curves]) == ("passed", [[7.0, 4.0]])


def test_curves_of_a_right_model_are_read_from_beside_the_grader(write_course: WriteCourse) -> None:
    """There need not be any; a file that is something else is the author's mistake."""
    exercise = write_course().exercises[0]
    assert load_right_curves(exercise) == {}
    exercise.curves.write_text('{"it_learns": {"loss": [[2.0, 1.0]]}}')
    assert load_right_curves(exercise) == {"it_learns": {"loss": [[2.0, 1.0]]}}
    exercise.curves.write_text('{"it_learns": [2.0]}')
    with pytest.raises(CourseError, match=r"tiny/double: curves.json: .*benchmarks/curves.py"):
        load_right_curves(exercise)
