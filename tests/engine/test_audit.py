"""The audit finds what is wrong with an exercise, and nothing in one that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headcheck.audit import BANK, audit, unexpected_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.course import Course

    WriteCourse = Callable[..., Course]

EQUALS = """
@worth({points}, hint="h"{more})
@given(n=st.integers(2, 9))
def {name}(student, reference, n):
    '''It is so.'''
    assert_close(student.double(torch.tensor([1.0, n])), reference.double(torch.tensor([1.0, n])))
"""
GOOD = EQUALS.format(points=4, name="equal", more="") + EQUALS.format(points=1, name="gate", more=", gate=True")


def findings(course: Course, *, training: bool = True) -> list[str]:
    """About `tiny/double`."""
    return audit(course, course.exercises[0], seed=1, training=training).findings


def test_each_kind_of_solution_has_its_rows(course: Course) -> None:
    """Stub, reference, alternatives, misconceptions, and the bank of empty answers."""
    found = audit(course, course.exercises[0], seed=1)
    assert [(row.kind, row.name) for row in found.rows] == [
        ("stub", "double"), ("reference", "double"), ("alternative", "added"), ("alternative", "divided"),
        ("misconception", "squared"), ("misconception", "summed"), *(("bank", name) for name in BANK),
    ]  # fmt: skip
    points = {row.name: row.points for row in found.rows if row.kind != "stub"}
    assert (points["added"], points["divided"]) == (5.0, 5.0)
    assert all(points[name] < 5.0 for name in ("squared", "summed", *BANK))


def test_further_hints_are_asked_for(write_course: WriteCourse) -> None:
    """Two at least, each of 1 to 40 words."""
    course = write_course(public=GOOD + "\nHINTS = ('word ' * 41,)\n", hidden="")
    found = findings(course)
    assert "there are 1 HINTS in public.py; 2 are needed" in found
    assert "hint 1 of HINTS has 41 words; 1 to 40 are right" in found


def test_translations_are_expected_files(write_course: WriteCourse) -> None:
    """Beside what they translate, in a language that is spoken."""
    course = write_course()
    course.exercises[0].public.with_suffix(".zh.po").write_text("")
    course.exercises[0].public.with_suffix(".xx.po").write_text("")
    assert unexpected_files(course) == ["graders/tiny/double/public.xx.po belongs to no exercise"]


def test_a_missing_file_ends_the_audit(write_course: WriteCourse) -> None:
    """It is named, and nothing is run."""
    course = write_course()
    course.exercises[0].hidden.unlink()
    assert findings(course) == ["graders/tiny/double/hidden.py is missing"]


def test_what_the_texts_lack_is_found(write_course: WriteCourse) -> None:
    """Title, example, idea, hints, sentences, gate, misconceptions, alternatives, the same signature."""
    public = '''
@worth(1, hint="")
def p(student):
    """It is so"""
    assert student.double(1) == 2

@worth(1, hint="word " * 41)
def q(student):
    """It is so."""
    assert student.double(1) == 2
'''
    course = write_course(
        stub='"""Nothing."""\ndef double(X): ...\n',
        reference="def double(X, extra=None): return 2 * X\n",
        public=public,
        hidden=public[: public.index("@worth", 5)],
        misconceptions="",
    )
    course.exercises[0].alternatives[0].unlink()
    found = findings(course)
    for expected in (
        "the stub's docstring does not start with a Markdown title",
        "the prompt has no worked example (a line with the word Example)",
        "the reference has no docstring with its idea",
        "no property is a gate",
        "two properties have the same name",
        "there is no misconception",
        "there are 1 alternatives; 2 are needed",
        "double is X in the stub, X, extra=None in the reference",
        "the hint of p has 0 words; 1 to 40 are right",
        "the hint of q has 41 words; 1 to 40 are right",
        "the docstring of p is not a sentence",
        "the property p kills no misconception",
        "the property q kills no misconception",
    ):
        assert expected in found


STEP = """
@step("the {name}")
def {name}(student):
    assert student.double(torch.tensor([{x}])) == {wanted}
"""


def test_steps_are_audited(write_course: WriteCourse) -> None:
    """Right solutions pass them all, and each is the first wrong one of some misconception."""
    head = "from headcheck.properties import step\n"
    of_squares, of_sums = STEP.format(name="one", x="1.0", wanted=2), STEP.format(name="two", x="1.0, 2.0", wanted=3)
    gate = '@worth(1, hint="h", gate=True)\ndef gate(student):\n    """So."""\n    assert student.double(X).ndim\n'
    gate = f"X = torch.ones(1)\n{gate}"
    course = write_course(public=head + of_squares, hidden=EQUALS.format(points=4, name="equal", more="") + gate)
    rows = audit(course, course.exercises[0], seed=1)
    assert rows.findings == []
    assert {row.name: row.first_wrong_step for row in rows.rows if row.kind == "misconception"} == {
        "squared": "the one", "summed": "",
    }  # fmt: skip
    assert rows.properties == ["gate", "equal"]
    public = course.exercises[0].public
    text = public.read_text()
    public.write_text(text + of_sums)
    found = findings(course)
    assert "the reference double goes wrong at a step: the two" in found
    assert "the alternative added goes wrong at a step: the two" in found
    public.write_text(text + STEP.format(name="idle", x="0.0", wanted=0))
    assert "no misconception first goes wrong at the step idle" in findings(course)
    public.write_text(text + of_squares.replace("def one", "def other"))
    assert "two steps have the same name" in findings(course)
    public.write_text(text.replace("def one", "def gate"))
    assert "two properties have the same name" in findings(course)


def test_points_in_the_wrong_place_are_found(write_course: WriteCourse) -> None:
    """At most a quarter beyond the book, at most three tenths for training."""
    hidden = GOOD + EQUALS.format(points=3, name="beyond", more=', group="robust"')
    hidden += EQUALS.format(points=4, name="training", more=", training=True")
    course = write_course(public="", hidden=hidden)
    assert "4 of 12 points are for training; at most 30 % may be" in findings(course)
    course.exercises[0].hidden.write_text(course.exercises[0].hidden.read_text().replace("worth(3", "worth(30"))
    assert "30 of 39 points are robust; at most a quarter may be" in findings(course)


def test_solutions_that_are_judged_wrongly_are_found(write_course: WriteCourse) -> None:
    """The right ones that fail, the wrong ones that pass, the empty ones that earn."""
    hidden = '''
@worth(2, hint="h", gate=True)
def exists(student):
    """It is there."""
    student.double

@worth(2, hint="h")
def vacuous(student):
    """So."""
    student.double(1)

@worth(2, hint="h")
def too_strict(student):
    """So."""
    assert type(student.double(3.0)) is int

@worth(1, hint="h", group="robust")
def large(student):
    """So."""
    assert student.double(100) == 200
'''
    misconceptions = '''
def unseen(X):
    """You."""
    return int(2 * X)

def small(X):
    """You."""
    return int(2 * min(X, 50))

@misconception(group="robust")
def beyond(X):
    """You."""
    return X
'''
    course = write_course(
        stub='"""# T\n\nExample"""\ndef double(X): return 0\n', public="", hidden=hidden, misconceptions=misconceptions
    )
    found = findings(course)
    for expected in (
        "the reference double fails too_strict",
        "the alternative added fails too_strict",
        "the misconception unseen loses no points",
        "the misconception small loses no core points",
        "the misconception beyond is declared robust but loses core points",
        "the stub earns",
        "the empty answer constant earns",
        "the property vacuous kills no misconception",
    ):
        assert any(finding.startswith(expected) for finding in found), (expected, found)


def test_a_property_that_breaks_is_found_wherever_it_does(write_course: WriteCourse) -> None:
    """With the error, and on which solution."""
    bad = '@worth(1, hint="h")\ndef bad(student):\n    """So."""\n    1 / 0\n'
    found = findings(write_course(hidden=bad))
    assert (
        "bad broke on the reference double: the property bad failed on the reference too: "
        "ZeroDivisionError: division by zero"
    ) in found


def test_training_can_be_left_out_and_is_tried_where_nothing_else_sees_the_mistake(write_course: WriteCourse) -> None:
    """It is slow, so only misconceptions that everything else lets pass are trained."""
    hidden = GOOD.replace("st.integers(2, 9)", "st.integers(2, 2)")
    hidden += EQUALS.format(points=2, name="training", more=", training=True")
    late = 'def late(X):\n    """You."""\n    return 2 * X if X.sum() < 5 else X\n'
    course = write_course(public="", hidden=hidden, misconceptions=late)
    rows = {row.name: row for row in audit(course, course.exercises[0], seed=1).rows}
    assert [result.name for result in rows["late"].failed()] == ["training"]
    assert "the misconception late loses no points" in findings(course, training=False)
    reference = audit(course, course.exercises[0], seed=1, training=False).rows[1]
    assert "training" not in {result.name for result in reference.results}


def test_a_quick_audit_finds_what_a_thorough_one_does(write_course: WriteCourse) -> None:
    """With fewer runs: what has been seen once is not tried again."""
    hidden = (
        GOOD
        + EQUALS.format(points=1, name="also", more="")
        + EQUALS.format(points=1, name="idle", more="").replace("assert_close(", "(lambda *_, **__: None)(")
    )
    course = write_course(public="", hidden=hidden)
    exercise = course.exercises[0]
    thorough, quick = (audit(course, exercise, seed=1, thorough=each) for each in (True, False))
    assert quick.findings == thorough.findings
    assert any("idle kills no misconception" in finding for finding in quick.findings)
    tried = [sum(len(row.results) for row in each.rows if row.kind == "misconception") for each in (quick, thorough)]
    assert tried[0] < tried[1]


def test_a_quick_audit_asks_slow_properties_last(write_course: WriteCourse) -> None:
    """Of three mistakes that everything sees, one is enough to show that the slow one sees any."""
    slow = EQUALS.format(points=1, name="slow", more="").replace("assert_close(", "time.sleep(0.05); assert_close(")
    wrong = "".join(f'def wrong_{n}(X):\n    """You."""\n    return X + {n}\n' for n in (1, 2, 3))
    course = write_course(public=slow, hidden=GOOD, misconceptions=wrong)
    for thorough, times in ((True, 3), (False, 1)):
        rows = audit(course, course.exercises[0], seed=1, thorough=thorough).rows
        met = [result.name for row in rows if row.kind == "misconception" for result in row.results]
        assert met.count("slow") == times


def test_a_misconception_may_ask_to_be_trained(write_course: WriteCourse) -> None:
    """That a training property separates right from wrong can be shown by a mistake that others see too."""
    hidden = GOOD + EQUALS.format(points=2, name="training", more=", training=True")
    wrong = '@misconception(trains={trains})\ndef same(X):\n    """You."""\n    return X\n'
    course = write_course(public="", hidden=hidden, misconceptions=wrong.format(trains=False))
    for trains in (False, True):
        text = course.exercises[0].misconceptions.read_text()
        course.exercises[0].misconceptions.write_text(text.replace("trains=False", f"trains={trains}"))
        rows = {row.name: row for row in audit(course, course.exercises[0], seed=1).rows}
        assert ("training" in {result.name for result in rows["same"].failed()}) is trains


@pytest.mark.parametrize("shape", ["dict", "list", "number"])
def test_empty_answers_have_the_form_of_the_right_one(write_course: WriteCourse, shape: str) -> None:
    """Zeros in a dictionary, a list or a number; so a grader cannot tell them by their type."""
    value = {"dict": "{'a': 2 * X}", "list": "[2 * X]", "number": "2 * float(X.sum())"}[shape]
    hidden = '''
@worth(1, hint="h", gate=True)
@given(n=st.integers(1, 9))
def p(student, reference, n):
    """So."""
    X = torch.tensor([1.0, n])
    got, wanted = student.double(X), reference.double(X)
    assert type(got) is type(wanted)
    assert str(got) == str(wanted)
'''
    course = write_course(public="", hidden=hidden, reference=f'"""I."""\ndef double(X): return {value}\n')
    rows = {row.name: row for row in audit(course, course.exercises[0], seed=1).rows}
    assert rows["constant"].failed()
    assert not rows["double"].failed() or rows["double"].kind == "reference"


def test_a_module_is_audited_like_a_function(write_course: WriteCourse) -> None:
    """Its bank answers from `forward`, and drift of `__init__` and `forward` is found."""
    head = '"""# Module\n\nExample"""\nfrom torch import nn\n\nclass double(nn.Module):\n'
    hidden = GOOD.replace("student.double(", "student.double()(").replace("reference.double(", "reference.double()(")
    course = write_course(
        stub=head + "    def forward(self, X, mask): ...\n",
        reference=head + "    def forward(self, X): return 2 * X\n",
        public="",
        hidden=hidden,
        misconceptions=head.replace('"""# Module\n\nExample"""\n', "").replace("double", "same")
        + '    """You."""\n    def forward(self, X): return X\n',
    )
    for path in course.exercises[0].alternatives:
        path.write_text(head + "    def forward(self, X): return X + X\n")
    assert findings(course) == ["double.forward is self, X, mask in the stub, self, X in the reference"]


def test_a_question_in_words_is_laid_out_and_named_in_the_prompt(write_course: WriteCourse) -> None:
    """It lies beside the stub, and belongs to the exercise."""
    course = write_course()
    exercise = course.exercises[0]
    exercise.question.write_text("# Why?\n\nSay why.\n\n## Rubric\n\n- 1 point: says why.\n")
    assert unexpected_files(course) == []
    assert "the prompt does not name its written question, double.md" in audit(course, exercise, seed=1).findings
    exercise.stub.write_text(exercise.stub.read_text().replace("Example", "A question is in double.md.\n\nExample", 1))
    assert audit(course, exercise, seed=1).findings == []
    exercise.question.write_text("Why?")
    assert any("a question is `# Title`" in finding for finding in audit(course, exercise, seed=1).findings)


def test_files_that_belong_to_nothing_are_found(write_course: WriteCourse) -> None:
    """In all four trees; caches are nobody's."""
    course = write_course()
    for name in ("assignments/tiny/x.py", "reference/y.py", "graders/tiny/double/z.py", "tests/alternatives/tiny/v.py"):
        (course.root / name).write_text("")
    (course.root / "reference" / "__pycache__").mkdir()
    (course.root / "reference" / "__pycache__" / "c.pyc").write_text("")
    assert unexpected_files(course) == [
        "assignments/tiny/x.py belongs to no exercise",
        "reference/y.py belongs to no exercise",
        "graders/tiny/double/z.py belongs to no exercise",
        "tests/alternatives/tiny/v.py belongs to no exercise",
    ]
