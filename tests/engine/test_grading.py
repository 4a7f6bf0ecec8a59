"""An exercise and a submission are graded: what runs, what is skipped, what it costs, and what may be said."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest

from headcheck import archive
from headcheck.course import read_course
from headcheck.grading import (
    MAX_MESSAGE,
    MAX_TIMEOUTS,
    Desk,
    Exam,
    Exams,
    Grader,
    Paper,
    Sitting,
    Tally,
    examine,
    prepare,
)
from headcheck.protocol import Notebook
from headcheck.results import section_from_json, to_json
from headcheck.student import local
from headcheck.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from headcheck.course import Course, Exercise, Limits
    from headcheck.results import ExerciseResult, PropertyResult, SectionResult
    from headcheck.sandbox import Sandbox

    Grade = Callable[..., dict[str, ExerciseResult]]

RIGHT = b"def double(X):\n    return 2 * X\n"
WRONG = b"def double(X):\n    return X * X\n"
TWICE = b"from tiny.double import double\n\ndef twice(X):\n    return double(X)\n"
GRADER_HEAD = "from headcheck.properties import worth\n"
NEEDLE = "a line of the reference that nobody may see"
FIVE = """
@worth(1, hint="h", training=True)
def training(student):
    '''It learns.'''
    assert student.double(4) == 8

@worth(1, hint="h")
def first(student):
    '''One.'''
    assert student.double(1) == 2

@worth(1, hint="h", group="robust")
def second(student):
    '''Two.'''
    assert student.double(2) == 4

@worth(1, hint="h")
def third(student):
    '''Three.'''
    assert student.double(3) == 6

@worth(1, hint="h", gate=True)
def gate(student):
    '''It is there.'''
    student.double(0)
"""


@pytest.fixture
def grade(grader: Grader, course: Course) -> Grade:
    """Grade one submission's files, by exercise."""

    def grade(own: Grader = grader, **files: bytes) -> dict[str, ExerciseResult]:
        submission = Submission("amber", {f"tiny/{name}": text for name, text in files.items()})
        (section,) = own.grade_submission(submission, list(course.exercises))
        return {result.exercise.partition("/")[2]: result for result in section.exercises}

    return grade


@pytest.fixture
def five(
    write_course: Callable[..., Course], full: Sandbox, impatient: Limits
) -> Callable[..., dict[str, PropertyResult]]:
    """Put a text to the five properties above, in a sandbox that waits half a second for a call."""

    def examine_text(text: str, *, everything: bool = False) -> dict[str, PropertyResult]:
        course = write_course(public=FIVE, hidden="")
        exam = prepare(course, course.exercises[0], seed=1)
        sitting = Sitting(full, Paper(hurried(exam, impatient), {"tiny.double": text.encode()}, []))
        try:
            return {result.name: result for result in examine(exam, sitting.connect, everything=everything)}
        finally:
            sitting.close()

    return examine_text


def hurried(exam: Exam, limits: Limits) -> Exercise:
    """The exam's exercise, with other limits."""
    return dataclasses.replace(exam.exercise, limits=limits)


def outcomes(results: dict[str, PropertyResult]) -> dict[str, str]:
    """By name."""
    return {name: result.outcome for name, result in results.items()}


def kinds(result: ExerciseResult) -> list[tuple[str, str]]:
    """Every property of an exercise and how it ended."""
    return [(each.name, each.outcome) for each in result.properties]


# What runs


def test_a_right_submission_earns_everything(grade: Grade) -> None:
    """All points, in the sandbox, on fresh inputs."""
    found = grade(double=RIGHT, twice=TWICE)
    assert {name: (result.status, result.points) for name, result in found.items()} == {
        "double": ("passed", 5.0), "twice": ("passed", 5.0),
    }  # fmt: skip


def test_after_a_failed_gate_the_rest_is_skipped(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """One message, not a wall of red."""
    found = outcomes(five("def double(n): raise ValueError('no')"))
    assert found.pop("gate") == "failed"
    assert set(found.values()) == {"skipped"}


def test_everything_runs_after_a_failed_gate_when_asked(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """That is `--all`."""
    found = five("def double(n): raise ValueError('no')", everything=True)
    assert set(outcomes(found).values()) == {"failed"}


def test_training_runs_only_when_everything_else_has_passed(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """Also a robust property must have."""
    found = five("def double(n): return 2 * n if n != 2 else 5")
    assert outcomes(found) == {
        "gate": "passed", "first": "passed", "second": "failed", "third": "passed", "training": "skipped",
    }  # fmt: skip
    assert found["training"].message == "training runs once everything else passes"


def test_training_runs_all_the_same_when_asked(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """That is `--all`."""
    assert outcomes(five("def double(n): return 2 * n if n != 2 else 5", everything=True))["training"] == "passed"


def test_after_two_timeouts_the_rest_is_not_tried(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """A hanging submission costs seconds, not minutes; the worker is replaced in between."""
    found = five("import time\ndef double(n): time.sleep(99 if n else 0)")
    assert MAX_TIMEOUTS == 2
    assert outcomes(found) == {
        "gate": "passed", "first": "timeout", "second": "timeout", "third": "skipped", "training": "skipped",
    }  # fmt: skip
    assert found["third"].message.startswith("not tried: too many calls")


def test_the_time_of_an_exercise_is_not_renewed_by_dying(
    write_course: Callable[..., Course], full: Sandbox, impatient: Limits
) -> None:
    """A submission that is slow and then exits has one budget, not one a worker."""
    course = write_course(public=FIVE, hidden="")
    exam = prepare(course, course.exercises[0], seed=1)
    limits = msgspec.structs.replace(impatient, exercise_seconds=0.4)
    text = b"import os, time\ndef double(n): time.sleep(0.2); os._exit(3)"
    sitting = Sitting(full, Paper(hurried(exam, limits), {"tiny.double": text}, []))
    found = examine(exam, sitting.connect, everything=True)
    sitting.close()
    assert "used up" in found[-1].message
    assert found[-1].outcome == "timeout"


def test_a_death_costs_only_its_own_check(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """The next property has a new worker with the same submission."""
    found = five("import os\ndef double(n): return os._exit(3) if n == 1 else 2 * n")
    assert outcomes(found) == {
        "gate": "passed", "first": "crashed", "second": "passed", "third": "passed", "training": "skipped",
    }  # fmt: skip
    assert "exit code 3" in found["first"].message


def test_a_death_at_import_is_a_crash(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """Of the gate; the rest is skipped."""
    assert outcomes(five("import os; os._exit(0)"))["gate"] == "crashed"


def test_garbage_on_the_line_is_a_crash(five: Callable[..., dict[str, PropertyResult]]) -> None:
    """It is never a pass."""
    found = five("import os\ndef double(n):\n    if n: os.write(3, b'\\xff' * 64)\n    return 2 * n")
    assert {found[name].outcome for name in ("first", "second", "third")} == {"crashed"}


def test_a_hang_while_shrinking_keeps_the_failure(
    write_course: Callable[..., Course], full: Sandbox, impatient: Limits
) -> None:
    """What was found before the hang is what the student sees, and the next property finds a living worker."""
    public = """
@worth(1, hint="h")
@given(n=st.integers(0, 1000))
def p(student, n):
    '''So.'''
    assert student.double(n)
"""
    course = write_course(public=public + public.replace("def p", "def q"), hidden="")
    text = b"import time\ndef double(n):\n    if n in range(10, 400): time.sleep(99)\n    return n < 10"
    exam = prepare(course, course.exercises[0], seed=1)
    exam = dataclasses.replace(
        exam, cases={name: [c for c in cases if not 10 <= c["n"] < 400] for name, cases in exam.cases.items()}
    )
    sitting = Sitting(full, Paper(hurried(exam, impatient), {"tiny.double": text}, []))
    started = time.perf_counter()
    found = examine(exam, sitting.connect)
    sitting.close()
    assert [result.outcome for result in found] == ["failed", "failed"]
    assert all(result.counterexample and result.counterexample.inputs["n"] >= 400 for result in found)
    assert time.perf_counter() - started < 8


def test_a_syntax_error_is_said_with_its_line(grade: Grade) -> None:
    """The text is compiled in the worker, and what is wrong with it is shown as Python shows it."""
    result = grade(double=b"def double(X):\n    return (2 * X\n")["double"]
    assert (result.status, result.points) == ("failed", 0.0)
    assert "line 2" in result.properties[0].message
    assert "SyntaxError" in result.properties[0].message


def test_a_missing_exercise_is_missing(grade: Grade) -> None:
    """No points, no worker, and the reason; what uses it gets the reference."""
    found = grade(twice=TWICE)
    assert (found["double"].status, found["double"].points, found["double"].max_points) == ("missing", 0.0, 5.0)
    assert {result.message for result in found["double"].properties} == {
        "there is no file for this exercise: save it as tiny/double.py, or in tiny/tiny.ipynb"
    }
    assert found["twice"].status == "passed"


def test_a_refused_file_is_missing_and_says_why(grader: Grader, double: Exercise) -> None:
    """The reason of the intake reaches student and instructor."""
    submission = Submission("amber", {}, {"tiny/double": "tiny/double.py is not a plain file"})
    ((result,),) = [section.exercises for section in grader.grade_submission(submission, [double])]
    assert result.status == "missing"
    assert result.notes == ["tiny/double.py is not a plain file"]


def test_what_is_used_is_graded_first(course: Course) -> None:
    """In course order, and though it was not asked for."""
    assert [exercise.id for exercise in course.with_used([course.exercise("tiny/twice")])] == [
        "tiny/double",
        "tiny/twice",
    ]


def test_an_unknown_mistake_has_no_name_and_a_known_one_has(grade: Grade) -> None:
    """The author's message, and only when the answers are those of one misconception."""
    known = grade(double=WRONG)["double"].misconception
    assert known is not None
    assert (known.name, known.message) == ("squared", "You squared X. What is the square of 3, and what is twice 3?")
    assert grade(double=b"def double(X): return 3 * X")["double"].misconception is None


STEPS = """
from headcheck.properties import step

@step("the sign")
@given(n=st.integers(1, 9))
def sign(student, n):
    assert {name}(-n) < 0 < {name}(n)

@step("the size")
def size(student):
    assert abs({name}(3)) > 3

@step("the factor")
def factor(student):
    assert {name}(5) == 10
"""


def graded(course: Course, sandbox: Sandbox, text: str, limits: Limits) -> ExerciseResult:
    """The result of a text for `tiny/double`."""
    exercise = dataclasses.replace(course.exercises[0], limits=limits)
    grader = Grader(course, Exams(course, 1), sandbox)
    return grader.grade(Paper(exercise, {"tiny.double": text.encode()}, []))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("-2 * n", "Start with the sign: that is the first step that goes wrong."),
        ("n", "Right so far: the sign. The first step that goes wrong: the size."),
        ("3 * n", "Right so far: the sign; the size. The first step that goes wrong: the factor."),
        ("1 / 0", ""),  # a gate failed
        ("2 * n", ""),
        ("2 * n if n != 2 else 5", ""),  # nor is a step wrong where only more than the book asks is
        ("2 * n if n != 1 else 5", ""),  # all steps are right
        ("2 * n if n < 4 else 5 * n", ""),  # only training failed
        ("5 if n == 1 else 2 * n if n < 5 else os._exit(3)", ""),  # a step kills the submission
        ("n if n > -1 else time.sleep(9)", ""),  # the step itself does not end
        ("-2 * n if n != 3 else time.sleep(9)", ""),  # nor does a property
    ],
)
def test_the_first_wrong_step_is_named(
    write_course: Callable[..., Course], full: Sandbox, impatient: Limits, answer: str, said: str
) -> None:
    """Where a property fails that is no gate and no training, and where every call before came to an end."""
    course = write_course(public=FIVE + STEPS.format(name="student.double"), hidden="")
    result = graded(course, full, f"import os, time\ndef double(n): return {answer}", impatient)
    assert result.first_wrong_step.startswith(said)
    assert bool(result.first_wrong_step) == bool(said)
    assert len(result.properties) == 5


def test_a_step_that_breaks_says_nothing(write_course: Callable[..., Course], full: Sandbox, impatient: Limits) -> None:
    """A wrong grader accuses nobody."""
    broken = "from headcheck.properties import step\n@step('nothing')\ndef nothing(student): 1 / 0\n"
    result = graded(write_course(public=FIVE + broken, hidden=""), full, "def double(n): return n", impatient)
    assert (result.first_wrong_step, result.status) == ("", "failed")


def test_a_run_that_could_see_a_reference_names_its_step_in_the_authors_words(
    write_course: Callable[..., Course], full: Sandbox
) -> None:
    """A step's verdict is one more verdict; whatever the submission says of it is left out."""
    course = write_course()
    twice = course.exercise("tiny/twice")
    twice.public.write_text(twice.public.read_text() + STEPS.format(name="student.twice"))
    text = b"import tiny.double as d\ndef twice(X):\n    print(d.NEEDLE)\n    return 1.5 * X\n"
    submission = Submission("amber", {"tiny/double": WRONG, "tiny/twice": text})
    (section,) = Grader(course, Exams(course, 1), full).grade_submission(submission, list(course.exercises))
    result = section.exercises[1]
    assert result.first_wrong_step == "Right so far: the sign; the size. The first step that goes wrong: the factor."
    assert NEEDLE not in to_json(result).decode()


def test_a_text_that_mentions_a_shortcut_is_a_note(
    course: Course, exams: Exams, full: Sandbox, double: Exercise
) -> None:
    """For a human, never for points."""
    exercise = dataclasses.replace(double, shortcuts=("torch.nn.functional.softmax",))
    text = b"# softmax\n" + RIGHT
    result = Grader(course, exams, full).grade(Paper(exercise, {"tiny.double": text}, []))
    assert result.notes == ["the text mentions torch.nn.functional.softmax"]
    assert result.points == 5.0


def test_a_word_of_the_stub_or_part_of_a_word_mentions_nothing(
    course: Course, exams: Exams, full: Sandbox, double: Exercise
) -> None:
    """`torch.nn.TransformerEncoder` is not in the text of whoever was asked to write a TransformerEncoder."""
    exercise = dataclasses.replace(double, shortcuts=("torch.nn.functional.softmax", "torch.nn.double"))
    text = b"# my_softmax\n" + RIGHT
    assert Grader(course, exams, full).grade(Paper(exercise, {"tiny.double": text}, [])).notes == []


# The same twice


def test_grading_twice_gives_the_same_result(grade: Grade) -> None:
    """Verdicts, messages and counterexamples; only the seconds differ."""

    def timeless(result: ExerciseResult) -> ExerciseResult:
        properties = [dataclasses.replace(each, seconds=0.0) for each in result.properties]
        return dataclasses.replace(result, seconds=0.0, properties=properties)

    first, again = (timeless(grade(double=WRONG)["double"]) for _ in range(2))
    assert first == again
    assert first.properties[0].counterexample or first.properties[1].counterexample


def test_another_seed_draws_other_inputs(course: Course, double: Exercise) -> None:
    """For every property."""
    one, again, two = (prepare(course, double, seed=seed).cases for seed in (1, 1, 2))
    assert one == again
    assert all(one[name] != two[name] for name in one)


def test_an_exam_of_public_properties_names_mistakes_all_the_same(course: Course, double: Exercise) -> None:
    """Where the course has them: what is hidden is not asked, but it may help to say what is wrong."""
    exam = prepare(course, double, seed=1, public_only=True)
    assert {prop.visibility for prop in exam.properties} == {"public"}
    assert exam.reference is not None
    assert set(exam.misconceptions) == {"squared", "summed"}


def test_one_at_a_time_only_the_first_failure_is_made_smaller(course: Course, double: Exercise) -> None:
    """The others keep the input on which they failed; the verdicts are the same."""
    exam = prepare(course, double, seed=1)
    connection = local(SimpleNamespace(double=lambda X: X * X * X))
    one = examine(exam, lambda: connection, everything=True, one_at_a_time=True)
    every = examine(exam, lambda: connection, everything=True)
    none = examine(exam, lambda: connection, everything=True, shrink=False)
    assert [result.outcome for result in one] == [result.outcome for result in every]
    failed = [place for place, result in enumerate(one) if result.outcome == "failed"]
    assert len(failed) > 1
    assert one[failed[0]].counterexample == every[failed[0]].counterexample
    assert [one[place].counterexample for place in failed[1:]] == [none[place].counterexample for place in failed[1:]]


# Our own failures


def test_a_dead_sandbox_costs_nobody_a_point(course: Course, exams: Exams, dead: Sandbox, grade: Grade) -> None:
    """`broken`, with full points and a note for the instructor."""
    found = grade(Grader(course, exams, dead), double=WRONG)["double"]
    assert (found.status, found.points) == ("broken", 5.0)
    assert any("the warm process" in note for note in found.notes)


def test_a_sandbox_that_dies_during_the_diagnosis_costs_nobody_a_point(
    course: Course, exams: Exams, dead: Sandbox
) -> None:
    """Giving up says why."""
    submission = Submission("amber", {"tiny/double": WRONG})
    (section,) = Grader(course, exams, dead).give_up(submission, list(course.exercises), "the grader died")
    assert [(result.status, result.points, result.notes) for result in section.exercises] == [
        ("broken", 5.0, ["the grader died"]), ("broken", 5.0, ["the grader died"]),
    ]  # fmt: skip


def test_a_broken_property_keeps_its_points(write_course: Callable[..., Course], solved: SimpleNamespace) -> None:
    """Beside others that are judged as ever."""
    broken = "@worth(2, hint='h')\ndef bad(student):\n    '''So.'''\n    1 / 0\n"
    course = write_course(public=broken + FIVE, hidden="")
    connection = local(solved)
    found = {
        result.name: result for result in examine(prepare(course, course.exercises[0], seed=1), lambda: connection)
    }
    assert (found["bad"].outcome, found["bad"].points) == ("broken", 2.0)
    assert {found[name].outcome for name in ("gate", "first", "second", "third", "training")} == {"passed"}


# A mistake costs points once, and secrets stay secret


@pytest.mark.parametrize(
    "text",
    [
        b"import tiny.double as d\ndef twice(X):\n    print(d.NEEDLE)\n    return 2 * X\n",
        b"import tiny.double as d\ndef twice(X): raise ValueError(d.NEEDLE)\n",
        b"import tiny.double as d\ndef twice(X): return d.NEEDLE\n",
        b"import tiny.double as d\ndef twice(X): return {d.NEEDLE: [d.NEEDLE]}\n",
        b"import tiny.double as d\nraise type(d.NEEDLE, (BaseException,), {})\n",
        b"import tiny.double as d\nclass N: pass\nN.__name__ = d.NEEDLE\ndef twice(X): return N()\n",
        b"import tiny.double as d, sys\nsys.exit(d.NEEDLE)\n",
        b"import tiny.double as d\ndef twice(X):\n    return X * 0 + len(d.NEEDLE)\n",
    ],
)
def test_a_run_that_could_see_a_reference_says_nothing_of_it(grade: Grade, text: bytes) -> None:
    """Printed, raised or returned: no word and no number of it reaches a result."""
    found = grade(double=WRONG, twice=text)
    assert found["twice"].notes == [
        "graded with the reference's tiny/double: the student's own did not earn its core points"
    ]
    said = to_json(found["twice"]).decode()
    assert NEEDLE not in said
    assert "needle" not in said.lower()
    assert (found["twice"].printed, found["twice"].seconds % 1) == ("", 0)
    for result in found["twice"].properties:
        assert result.message in ("", result.sentence)
        assert result.seconds == int(result.seconds)  # a number may be said by sleeping
        assert result.counterexample is None or (result.counterexample.got, result.counterexample.wanted) == ({}, {})


CURVES = """
from headcheck.compare import assert_measured, record

@worth(1, hint="h", training=True)
def training(student):
    '''It learns.'''
    for seed in range(2):
        record("loss", [2.0 * student.{name}(2.0), seed])
        assert_measured(student.{name}(4.0), what="error", at_most=9.0)
"""
RIGHT_CURVES = b'{"training": {"loss": [[8.0, 0.5]], "error": [[8.0], [8.0]]}, "other": {"loss": [[1.0]]}}'


def test_curves_stand_beside_those_of_a_right_model(write_course: Callable[..., Course], full: Sandbox) -> None:
    """The first of a name beside the first; where there is none, alone."""
    course = write_course(public=CURVES.format(name="double"), hidden="")
    course.exercises[0].curves.write_bytes(RIGHT_CURVES)
    grader = Grader(course, Exams(course, 1), full)
    (section,) = grader.grade_submission(Submission("amber", {"tiny/double": RIGHT}), [course.exercises[0]])
    (result,) = section.exercises[0].properties
    assert result.outcome == "passed"
    assert [(curve.name, curve.values, curve.right) for curve in result.curves] == [
        ("loss", [8.0, 0.0], [8.0, 0.5]),
        ("error", [8.0], [8.0]),
        ("loss", [8.0, 1.0], []),
        ("error", [8.0], [8.0]),
    ]
    assert section_from_json(to_json(section), "here") == section


def test_a_run_that_could_see_a_reference_draws_no_curve(write_course: Callable[..., Course], full: Sandbox) -> None:
    """Its points could spell what may not be said."""
    course = write_course()
    course.exercises[1].public.write_text(GRADER_HEAD + CURVES.format(name="twice"))
    course.exercises[1].hidden.write_text("")
    grader = Grader(course, Exams(course, 1), full)
    submission = Submission("amber", {"tiny/double": WRONG, "tiny/twice": TWICE})
    (section,) = grader.grade_submission(submission, list(course.exercises))
    (result,) = section.exercises[1].properties
    assert (result.outcome, result.curves) == ("passed", [])


def test_a_mistake_costs_points_once(grade: Grade) -> None:
    """A failed exercise is replaced by the reference for those that use it."""
    found = grade(double=WRONG, twice=TWICE)
    assert (found["double"].status, found["twice"].status) == ("failed", "passed")
    assert found["twice"].points == found["twice"].max_points


NEGATED = b"from tiny.double import double\ndef twice(X): return -double(X)"


def test_a_line_that_reproduces_is_shown_only_of_the_students_own_work(grade: Grade) -> None:
    """Where a reference stands in, the line might show what it answers."""
    lines = [
        prop.counterexample.reproduce
        for results in (grade(double=RIGHT, twice=NEGATED), grade(double=WRONG, twice=NEGATED))
        for prop in results["twice"].properties
        if prop.counterexample is not None
    ]
    own, beside_a_reference = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    assert all(line.startswith("from tiny.twice import twice; ") for line in own if line)
    assert any(own)
    assert not any(beside_a_reference)


def test_what_passed_is_used_as_the_student_wrote_it(grade: Grade) -> None:
    """And then the run may speak."""
    own = b"print('mine')\n" + RIGHT
    found = grade(double=own, twice=b"import tiny.double\nprint('loud')\ndef twice(X): raise ValueError('spoken')")[
        "twice"
    ]
    assert "mine\nloud\n" in found.printed
    assert "spoken" in found.properties[0].message
    assert found.notes == []


def test_checking_uses_the_students_own_work_only(grader: Grader, course: Course) -> None:
    """A student's copy has no reference to stand in."""
    submission = Submission("you", {"tiny/double": WRONG, "tiny/twice": TWICE})
    assert [result.status for result in grader.check(submission, list(course.exercises))] == ["failed", "failed"]
    alone = Submission("you", {"tiny/twice": TWICE})
    missing, twice = grader.check(alone, list(course.exercises))
    assert missing.status == "missing"
    assert "double" in twice.properties[0].message


def test_a_message_is_kept_up_to_a_length(grade: Grade) -> None:
    """Whatever it quotes of what a submission returned."""
    found = grade(double=b"def double(X): raise ValueError('x' * 50_000)\n")["double"]
    assert len(found.properties[0].message) == MAX_MESSAGE


# Results


def test_a_result_has_exactly_these_fields(grader: Grader, double: Exercise) -> None:
    """What others read is what is written down."""
    (section,) = grader.grade_submission(Submission("amber", {"tiny/double": WRONG}), [double])
    written = json.loads(to_json(section))
    assert list(written) == ["student", "section", "points", "max_points", "sandbox", "seed", "exercises", "schema"]
    assert (written["student"], written["section"], written["sandbox"], written["seed"]) == ("amber", "tiny", "full", 3)
    (exercise,) = written["exercises"]
    assert set(exercise) == {
        "exercise", "status", "points", "max_points", "seconds", "misconception", "properties", "notes", "printed",
        "first_wrong_step",
    }  # fmt: skip
    assert set(exercise["misconception"]) == {"name", "message"}
    for prop in exercise["properties"]:
        assert set(prop) == {
            "name", "visibility", "group", "outcome", "points", "max_points", "message", "counterexample", "seconds",
            "sentence", "hint", "curves",
        }  # fmt: skip
        example = prop["counterexample"]
        assert example is None or set(example) == {"inputs", "got", "wanted", "reproduce"}


def test_weights_scale_points(grader: Grader, exams: Exams, double: Exercise, solved: SimpleNamespace) -> None:
    """Every property of a weighted exercise counts as much more."""
    exam = exams.of(double)
    heavy = dataclasses.replace(exam, exercise=dataclasses.replace(double, weight=2.5))
    connection = local(solved)
    assert sum(result.points for result in examine(heavy, lambda: connection)) == 12.5


def test_what_was_printed_is_kept_and_capped(grade: Grade) -> None:
    """The beginning of it."""
    printed = grade(double=b"def double(X):\n    print('x' * 9999)\n    return 2 * X\n")["double"].printed
    assert printed.startswith("xxx")
    assert len(printed) <= 4096


# Kept and recalled


def test_a_kept_result_is_not_graded_again(
    grade: Grade, course: Course, exams: Exams, full: Sandbox, dead: Sandbox, tmp_path: Path
) -> None:
    """A second run recalls it, even where no sandbox lives."""
    first = grade(Grader(course, exams, full, directory=tmp_path), double=WRONG, twice=TWICE)
    dead.level = "full"
    assert grade(Grader(course, exams, dead, directory=tmp_path), double=WRONG, twice=TWICE) == first


def test_a_change_grades_again_what_it_touches(
    grade: Grade, course: Course, exams: Exams, full: Sandbox, dead: Sandbox, tmp_path: Path
) -> None:
    """The changed exercise and what uses it, but not what it uses."""
    grade(Grader(course, exams, full, directory=tmp_path), double=RIGHT, twice=TWICE)
    dead.level = "full"
    own = Grader(course, exams, dead, directory=tmp_path)
    assert [result.status for result in grade(own, double=RIGHT, twice=TWICE + b"#").values()] == ["passed", "broken"]
    assert [result.status for result in grade(own, double=RIGHT + b"#", twice=TWICE).values()] == ["broken", "broken"]


def test_a_desk_knows_what_was_graded_elsewhere(
    course: Course, exams: Exams, full: Sandbox, double: Exercise, tmp_path: Path
) -> None:
    """Once it has kept that; without a sandbox, and nothing that stands on what it does not know."""
    both, wanted = Submission("amber", {"tiny/double": WRONG, "tiny/twice": TWICE}), list(course.exercises)
    desk = Desk(course, exams.seed, "full", tmp_path)
    assert desk.known(both, wanted) == {}
    assert list(desk.known(Submission("bruno", {"tiny/double": WRONG}), wanted)) == ["tiny/twice"]
    (section,) = Grader(course, exams, full).grade_submission(both, wanted)
    found = {result.exercise: result for result in section.exercises}
    desk.keep(both, {}, {double.id: found[double.id]})
    assert desk.known(both, wanted) == {double.id: found[double.id]}
    desk.keep(both, {double.id: found[double.id]}, {"tiny/twice": found["tiny/twice"]})
    assert desk.known(both, wanted) == found
    assert desk.by_section(both, wanted, found) == [section]
    assert desk.tally == Tally(graded=2, recalled=3)
    assert Desk(course, exams.seed, "strong", tmp_path).known(both, wanted) == {}


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory: pytest.TempPathFactory, course: Course, full: Sandbox) -> Path:
    """A course, and beside it what is kept of grading two students in it: one is right, one has `double` wrong."""
    directory = tmp_path_factory.mktemp("graded")
    shutil.copytree(course.root, directory / "course")
    assert regrade(directory, full) == Tally(graded=4)
    return directory


def regrade(directory: Path, sandbox: Sandbox, **more: dict[str, bytes]) -> Tally:
    """Grade the class once more, as the course is now, with what more is handed in."""
    course = read_course(directory / "course")
    grader = Grader(course, Exams(course, course.seed), sandbox, directory=directory)
    work = {"amber": {"double": RIGHT, "twice": TWICE}, "bruno": {"double": WRONG, "twice": TWICE}} | more
    for student, files in work.items():
        texts = {f"tiny/{name}": text for name, text in files.items()}
        for section in grader.grade_submission(Submission(student, texts), list(course.exercises)):
            archive.write_section(directory, section)
    return grader.tally


GENEROUS = "\n@worth(1, hint='h', gate=True)\ndef anything(student):\n    '''It is there.'''\n"


@pytest.mark.parametrize(
    ("path", "old", "new", "graded"),
    [
        ("graders/tiny/double/hidden.py", "from", "# mended\nfrom", 2),
        ("graders/tiny/double/misconceptions.py", "squared", "multiplied", 2),
        ("graders/tiny/twice/hidden.py", "from", "# mended\nfrom", 2),
        ("reference/tiny/double.py", "return", "return 1 *", 4),
        ("reference/tiny/twice.py", "return", "return 1 *", 2),
        ("assignments/tiny/double.py", "from", "# mended\nfrom", 0),
        ("assignments/course.toml", "seed = 3", "seed = 3\nlate = {per_day = 0.1}", 0),
        ("assignments/course.toml", 'slug = "twice"', 'slug = "twice"\nweight = 3', 0),
        ("assignments/course.toml", "seed = 3", "seed = 4", 4),
    ],
)
def test_only_what_a_change_touches_is_graded_again(
    graded_once: Path, full: Sandbox, tmp_path: Path, path: str, old: str, new: str, graded: int
) -> None:
    """A grader: its exercise; a reference: its exercise and what uses it; a prompt, a weight, a rule: nothing."""
    directory = shutil.copytree(graded_once, tmp_path / "graded")
    file = directory / "course" / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    assert regrade(directory, full) == Tally(graded, 4 - graded)
    assert regrade(directory, full) == Tally(0, 4)


def test_work_that_passes_now_is_used_in_place_of_the_reference(
    graded_once: Path, full: Sandbox, tmp_path: Path
) -> None:
    """So what uses it is graded again, but only for that student."""
    directory = shutil.copytree(graded_once, tmp_path / "graded")
    course = read_course(directory / "course")
    for path in (course.exercises[0].public, course.exercises[0].hidden):
        path.write_text(GRADER_HEAD)
    course.exercises[0].public.write_text(GRADER_HEAD + GENEROUS)
    assert regrade(directory, full) == Tally(3, 1)


def test_late_work_is_graded_for_its_student_only(graded_once: Path, full: Sandbox, tmp_path: Path) -> None:
    """A new student's, or another file of one who was there."""
    directory = shutil.copytree(graded_once, tmp_path / "graded")
    late = {"double": b"def double(X):\n    return X + X\n", "twice": TWICE}
    assert regrade(directory, full, chidi=late) == Tally(2, 4)
    assert regrade(directory, full, bruno={"double": WRONG, "twice": TWICE + b"#"}) == Tally(1, 3)


def test_points_follow_the_weight_of_today(graded_once: Path, full: Sandbox, tmp_path: Path) -> None:
    """Those of each property, the exercise and the section, as if all were graded anew."""
    directory = shutil.copytree(graded_once, tmp_path / "graded")
    file = directory / "course" / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"', 'slug = "double"\nweight = 1.5'))
    regrade(directory, full)
    known = archive.read_sections(directory)
    shutil.rmtree(directory / archive.CACHE)
    regrade(directory, full)
    assert [section.points for section in known] == [12.5, 6.5]
    assert list(map(_points, archive.read_sections(directory))) == list(map(_points, known))


def _points(section: SectionResult) -> list[object]:
    points = [(each.points, each.max_points) for result in section.exercises for each in (result, *result.properties)]
    return [(section.points, section.max_points), *points]


def test_a_result_that_cannot_be_kept_is_a_result(
    grade: Grade, course: Course, exams: Exams, full: Sandbox, tmp_path: Path
) -> None:
    """The disk is full, say: whoever writes the section's result finds out, and loses nothing by it."""
    (tmp_path / archive.CACHE).write_text("")
    assert grade(Grader(course, exams, full, directory=tmp_path), double=RIGHT)["double"].status == "passed"


def test_a_broken_result_is_not_kept(grade: Grade, course: Course, exams: Exams, dead: Sandbox, tmp_path: Path) -> None:
    """Another run tries again."""
    grade(Grader(course, exams, dead, directory=tmp_path), double=RIGHT)
    assert not (tmp_path / archive.CACHE).exists()


def test_a_result_of_a_weaker_sandbox_is_not_one_of_a_stronger(course: Course, double: Exercise) -> None:
    """Level, seed and text are part of the key."""
    keys = {
        archive.result_key(course.fingerprint(double), {"tiny.double": text}, seed=seed, level=level)
        for text in (RIGHT, WRONG) for seed in (1, 2) for level in ("full", "process")
    }  # fmt: skip
    assert len(keys) == 8


def test_exams_are_prepared_once(course: Course, double: Exercise) -> None:
    """For the whole class."""
    exams = Exams(course, 1)
    assert exams.of(double) is exams.of(double)


# Notebooks


def notebook(**cells: bytes) -> bytes:
    """A notebook of the section `tiny` with these texts in the exercises' cells."""
    ids = {f"tiny-{name}-code": text.decode() for name, text in cells.items()}
    content = [{"cell_type": "code", "id": name, "source": text} for name, text in ids.items()]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": content}).encode()


def handed_in(data: bytes, **files: bytes) -> Submission:
    """A notebook, and files beside it."""
    return Submission("amber", {f"tiny/{name}": text for name, text in files.items()}, notebooks={"tiny": data})


@pytest.fixture
def grade_notebook(grader: Grader, course: Course) -> Grade:
    """Grade a notebook with these cells, by exercise."""

    def grade(**cells: bytes) -> dict[str, ExerciseResult]:
        (section,) = grader.grade_submission(handed_in(notebook(**cells)), list(course.exercises))
        return {result.exercise.partition("/")[2]: result for result in section.exercises}

    return grade


@pytest.mark.parametrize("double", [RIGHT, WRONG, b"def double(X): ...", b"def double(", b"import os; os._exit(0)"])
def test_a_notebook_earns_what_files_with_its_code_earn(grade: Grade, grade_notebook: Grade, double: bytes) -> None:
    """To the point, check by check, with the same mistake named; imports of what stands above may be left out."""
    by_file = grade(double=double, twice=TWICE)
    by_notebook = grade_notebook(double=double, twice=TWICE.partition(b"\n\n")[2])
    for name in ("double", "twice"):
        assert by_notebook[name].points == by_file[name].points
        assert by_notebook[name].status == by_file[name].status
        assert by_notebook[name].misconception == by_file[name].misconception
        assert kinds(by_notebook[name]) == kinds(by_file[name])


def test_an_exercise_that_is_not_in_the_notebook_is_missing(grade_notebook: Grade) -> None:
    """It is not taken from the reference; what uses it is, and is told so."""
    found = grade_notebook(twice=b"def twice(X):\n    return double(X)\n")
    assert (found["double"].status, found["double"].points) == ("missing", 0.0)
    assert "has no cell that defines `double`" in found["double"].properties[0].message
    assert found["twice"].status == "passed"
    assert found["twice"].notes[0].startswith("graded with the reference's tiny/double")


@pytest.mark.parametrize("data", [b"", b"no notebook", b'{"cells": [], "nbformat": 3}', b"[" * 100_000, b"\x80" * 9])
def test_what_is_no_notebook_is_missing(grader: Grader, course: Course, data: bytes) -> None:
    """For student and instructor; nothing here parses it."""
    (section,) = grader.grade_submission(handed_in(data), list(course.exercises))
    assert {result.status for result in section.exercises} == {"missing"}
    assert section.points == 0
    assert section.exercises[0].notes[0].startswith("tiny/tiny.ipynb ")
    assert section.exercises[0].properties[0].message == section.exercises[0].notes[0]


def test_findings_are_notes_unless_the_run_could_see_a_reference(grade_notebook: Grade) -> None:
    """A worker that holds a reference may say nothing, not even of a notebook."""
    shell = b"!pip install x\n"
    said = "cell 1, line 1: `!pip install x` was left out: magics, shell lines and help are not run"
    assert grade_notebook(double=shell + RIGHT)["double"].notes == [said]
    lying = b"import headcheck.worker as w\nw.Session._findings = property(lambda s: [w.NEEDLE], lambda s, v: None)\n"
    found = grade_notebook(
        double=WRONG, twice=lying.replace(b"w.NEEDLE", b"NEEDLE") + b"from tiny.double import NEEDLE\n"
    )
    assert NEEDLE not in to_json(found["twice"]).decode()
    assert not any("!pip" in note for note in grade_notebook(double=WRONG, twice=shell + TWICE)["twice"].notes)


def test_a_file_beside_a_notebook_counts(grader: Grader, course: Course) -> None:
    """And both are told that it does; the other exercise comes from the notebook."""
    data = notebook(double=WRONG, twice=TWICE)
    (section,) = grader.grade_submission(handed_in(data, double=RIGHT), list(course.exercises))
    assert [result.status for result in section.exercises] == ["passed", "passed"]
    assert section.exercises[0].notes == ["tiny/double.py was handed in beside tiny/tiny.ipynb, and is what counts"]
    assert section.exercises[1].notes == []


def test_an_untouched_file_beside_a_notebook_does_not_count(grader: Grader, double: Exercise) -> None:
    """Both were handed out, and the work is in one of them."""
    ((result,),) = [
        section.exercises
        for section in grader.grade_submission(
            handed_in(notebook(double=RIGHT), double=double.stub.read_bytes()), [double]
        )
    ]
    assert (result.status, result.notes) == ("passed", [])


def test_a_notebook_is_checked_on_ones_own_work(grader: Grader, course: Course) -> None:
    """Where there is no reference to stand in."""
    wrong = handed_in(notebook(double=WRONG, twice=b"def twice(X):\n    return double(X)\n"))
    assert [result.status for result in grader.check(wrong, list(course.exercises))] == ["failed", "failed"]
    right = handed_in(notebook(double=RIGHT, twice=b"def twice(X):\n    return double(X)\n"))
    assert [result.status for result in grader.check(right, list(course.exercises))] == ["passed", "passed"]


def test_the_text_of_a_notebook_is_searched_for_shortcuts(
    course: Course, exams: Exams, full: Sandbox, double: Exercise
) -> None:
    """As that of a file; a cell that mentions one is a note."""
    exercise = dataclasses.replace(double, shortcuts=("torch.nn.functional.softmax",))
    data = Notebook("tiny/tiny.ipynb", notebook(double=b"# softmax\n" + RIGHT), course.stubs("tiny"), ["tiny.double"])
    result = Grader(course, exams, full).grade(Paper(exercise, {}, [], (data,)))
    assert result.notes == ["the text mentions torch.nn.functional.softmax"]
    assert result.points == 5.0


def test_a_result_is_recalled_for_the_same_notebook_only(
    course: Course, exams: Exams, full: Sandbox, tmp_path: Path
) -> None:
    """Every byte of it is part of the key."""
    own = Grader(course, exams, full, directory=tmp_path)
    first, again, other = (
        own.grade_submission(handed_in(data), list(course.exercises))[0].exercises[0]
        for data in (notebook(double=RIGHT), notebook(double=RIGHT), notebook(double=RIGHT) + b" ")
    )
    assert first.seconds == again.seconds
    assert first == again
    assert (other.points, own.tally) == (5.0, Tally(graded=4, recalled=2))
