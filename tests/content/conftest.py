"""The course, and one sandbox for all tests of a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.grading import Exams, Grader
from headcheck.sandbox import open_sandbox


@pytest.fixture(scope="session")
def course():
    """This repository's own course."""
    return read_course(Path(__file__).parents[2])


@pytest.fixture(scope="session")
def grader(course):
    """Grades in the real sandbox, and keeps nothing."""
    needs = {name for exercise in course.exercises for name in exercise.needs}
    sandbox, _ = open_sandbox(course.limits, needs=tuple(sorted(needs)))
    yield Grader(course, Exams(course, course.seed), sandbox)
    sandbox.close()
