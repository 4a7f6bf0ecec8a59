"""Exceptions in words: one sentence first, the line, Python's own words last; and nothing a worker sends breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.clues import _RAISED, _RETURNED, _UNREADABLE
from headcheck.errors import StudentRaised
from headcheck.protocol import Place
from headcheck.wording import SENTENCES, what_came_back, what_happened

LINE = Place("s/a.py", 12, "    return torch.softmax(X)", "f", ["X: float32 (2, 3)"])
PYTHON = "your code raised ValueError: no"


def raised(*clue: str, place: Place | None = None, kind: str = "ValueError", message: str = "no") -> StudentRaised:
    """An exception with this clue and place."""
    return StudentRaised(kind, message, "", ("Exception",), place, clue)


def paragraphs(error: StudentRaised) -> list[str]:
    """What is said of it."""
    return what_happened(error).split("\n\n")


def test_without_place_and_clue_python_speaks():
    """There is nothing to add."""
    assert paragraphs(raised()) == [PYTHON]


def test_the_line_stands_below_with_its_tensors():
    """By number, file and text."""
    assert paragraphs(raised(place=LINE)) == [
        PYTHON, "in line 12 of s/a.py: `return torch.softmax(X)`", "with X: float32 (2, 3)",
    ]  # fmt: skip


def test_a_clue_comes_first_and_python_last():
    """What to do is read first."""
    assert paragraphs(raised("near", "shap", "shape", place=LINE)) == [
        "there is no `shap` here: did you mean `shape`?",
        "in line 12 of s/a.py: `return torch.softmax(X)`",
        "with X: float32 (2, 3)",
        PYTHON,
    ]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place("s/a.py", 3, "x", cell="f"), "in line 3 of the cell that defines `f`: `x`"),
        (Place("s/a.py", 0, "x", cell="f"), "in the cell that defines `f`: `x`"),
    ],
)
def test_a_line_of_a_notebook_is_told_by_its_cell(place, said):
    """Cells have no numbers that a student sees."""
    assert paragraphs(raised(place=place))[1] == said


def test_a_line_of_an_earlier_exercise_says_where_to_go_first():
    """The exercise that was checked may be right."""
    assert paragraphs(raised(place=Place("s/b.py", 3, "x", earlier=True)))[2] == (
        "this exercise builds on s/b.py: mend that first"
    )


def test_what_headcheck_judges_is_not_called_an_exception():
    """The code raised nothing."""
    assert what_happened(StudentRaised("TypeError", "a tensor is wanted", judged=True)) == "a tensor is wanted"
    error = StudentRaised("NameError", "none", clue=("renamed", "g", "f"), judged=True)
    assert what_happened(error) == "your file defines `g`, the exercise asks for `f`: rename it"


def test_what_is_no_python_is_shown_with_a_mark():
    """The line as it stands, the mark below the column, the reason without the noise."""
    place = Place("s/a.py", 2, "\treturn (X", column=9)
    message = "File \"s/a.py\", line 2\n    return (X\n    ^\nSyntaxError: '(' was never closed"
    assert paragraphs(raised("bracket", place=place, kind="SyntaxError", message=message)) == [
        "line 2 of s/a.py is not Python: '(' was never closed",
        "     return (X\n            ^",
        "close the bracket that is marked",
        "your code raised SyntaxError: '(' was never closed",
    ]


@pytest.mark.parametrize("column", [-(2**60), 0, 2**62])
def test_a_column_that_a_worker_makes_up_marks_within_the_line(column):
    """And takes no memory."""
    place = Place("s/a.py", 2, "x y", column=column)
    assert len(what_happened(raised(place=place, kind="SyntaxError"))) < 200


@given(st.lists(st.one_of(st.sampled_from(sorted(SENTENCES)), st.text(max_size=9)), max_size=8))
def test_any_clue_gives_a_text_in_which_its_names_stay_as_they_are(clue):
    """A worker may send any words, and any number of them."""
    said = what_happened(raised(*clue))
    assert said.endswith(PYTHON)
    assert said == PYTHON or all(name in said for name in clue[1:])


def test_braces_in_a_name_are_not_filled_in():
    """What a student writes is no template."""
    assert "`{near}`" in what_happened(raised("near", "{near}", "{0.__class__}"))


def test_every_clue_has_its_sentence():
    """What is recognised is also said."""
    assert {word for word, _ in [*_RAISED, *_RETURNED, *_UNREADABLE]} <= set(SENTENCES)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            "AttributeError: 'NoneType' object has no attribute 'shape'",
            "your code returned None: is a `return` missing?",
        ),
        (
            "AttributeError: 'list' object has no attribute 'sum'",
            "your code gives a list where one tensor is asked for: torch.stack makes one of several",
        ),
        (
            "AttributeError: 'int' object has no attribute 'eval'",
            "your code gives a value of type int, which has no `.eval`: is a class or a tensor asked for?",
        ),
        (
            "TypeError: 'int' object is not callable",
            "your code gives a value of type int for a function: is it a variable of the function's name?",
        ),
        ("KeyError: 'x'", "what your code returned could not be used: KeyError: 'x'"),
    ],
)
def test_what_the_grader_could_not_use_is_said_by_its_kind(error, said):
    """In a student's copy there is no reference to ask whose fault it is."""
    assert what_came_back(error) == said
