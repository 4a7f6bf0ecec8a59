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
def sandbox(course):
    """With every library that an exercise needs."""
    needs = {name for exercise in course.exercises for name in exercise.needs}
    sandbox, _ = open_sandbox(course.limits, needs=tuple(sorted(needs)))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def grader(course, sandbox):
    """Grades in the real sandbox, and keeps nothing."""
    return Grader(course, Exams(course, course.seed), sandbox)


@pytest.fixture(scope="session")
def untrained(course, sandbox):
    """The same without the training properties, which take long."""
    return Grader(course, Exams(course, course.seed, training=False), sandbox)
