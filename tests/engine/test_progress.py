"""What was begun, what a save is about, and what comes first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from headcheck.progress import Standing, first_to_mend, touched, written
from headcheck.results import ExerciseResult, PropertyResult
from headcheck.submission import Submission

if TYPE_CHECKING:
    from headcheck.course import Course
    from headcheck.results import Outcome, Status

RIGHT = b"def double(X):\n    return 2 * X\n"
BLANK = b'"""What to do."""\n\n\ndef double(X):\n    """Twice X."""\n    ...\n'


def notebook(*sources: str) -> bytes:
    """A notebook with these cells."""
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} for text in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def begun(course: Course, **rest: dict[str, bytes] | dict[str, str]) -> set[str]:
    """The exercises of the tiny course that were begun in such a submission."""
    fields: dict[str, dict[str, bytes]] = {"files": {}} | rest  # type: ignore[assignment]
    return set(written(Submission("you", **fields), course, course.exercises))  # type: ignore[arg-type]


def test_a_file_is_begun_when_something_was_written_in_it(course: Course) -> None:
    """What was handed out is not; nor is what is not there."""
    assert begun(course, files={"tiny/double": RIGHT, "tiny/twice": BLANK}) == {"tiny/double"}
    assert begun(course, files={}) == set()


def test_a_notebooks_cell_counts_where_the_file_is_blank(course: Course) -> None:
    """And of the notebook only the exercises that were written there."""
    cells = notebook("def double(X):\n    return 2 * X", "def twice(X):\n    ...")
    assert begun(course, files={"tiny/double": BLANK}, notebooks={"tiny": cells}) == {"tiny/double"}


def test_what_cannot_be_read_was_begun(course: Course) -> None:
    """So that it is checked, and somebody says why."""
    assert begun(course, notebooks={"tiny": b"no notebook"}) == {"tiny/double", "tiny/twice"}
    assert begun(course, files={}, refused={"tiny/twice": "it is a link"}) == {"tiny/twice"}
    assert begun(course, files={}, astray={"tiny/twice": "twise.py is not looked at"}) == {"tiny/twice"}
    assert begun(course, files={"tiny/double": b"def double(:"}) == {"tiny/double"}


def test_a_save_is_about_what_was_saved_or_else_about_what_builds_on_it(course: Course) -> None:
    """A save that changes nothing is about nothing."""
    double, twice = course.exercises
    before, now = {"tiny/double": b"1", "tiny/twice": b"1"}, {"tiny/double": b"2", "tiny/twice": b"1"}
    assert touched(before, now, [double, twice]) == [double]
    assert touched(before, now, [twice]) == [twice]
    assert touched(before, before, [double, twice]) == []
    assert touched(before, {"tiny/twice": b"1"}, [double]) == [double]


def standing(course: Course, status: Status, *outcomes: Outcome) -> Standing:
    """How an exercise stands whose checks ended so."""
    checks = [PropertyResult("p", "public", "core", outcome, 0.0, 1.0) for outcome in outcomes]
    return Standing(course.exercises[0], ExerciseResult("tiny/double", status, 0.0, 1.0, 0.1, None, checks))


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [(["passed", "passed"], "passed"), (["passed", "failed"], "in work"), (["skipped"], "in work")],
)
def test_an_exercise_passes_when_all_of_it_does(course: Course, outcomes: list[Outcome], state: str) -> None:
    """Skipped is not passed."""
    assert standing(course, "failed", *outcomes).state == state


def test_the_first_to_mend_is_the_earliest_that_is_wrong(course: Course) -> None:
    """What lacks only points beyond the book comes last, and what was not begun not at all."""
    blank = Standing(course.exercises[0], None)
    right, beyond = standing(course, "passed", "passed"), standing(course, "passed", "passed", "failed")
    wrong, later = standing(course, "failed", "failed"), standing(course, "failed", "failed", "passed")
    assert first_to_mend([blank, right, beyond, wrong, later]) is wrong
    assert first_to_mend([blank, right, beyond]) is beyond
    assert first_to_mend([blank, right]) is None
