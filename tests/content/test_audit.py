"""Every exercise of the course is proven: its graders pass who must pass and fail who must fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from headcheck.audit import audit, unexpected_files
from headcheck.course import read_course

COURSE = read_course(Path(__file__).parents[2])


@pytest.mark.parametrize("name", [exercise.id for exercise in COURSE.exercises])
def test_an_exercise_has_no_gap(name):
    """The stub earns nothing, right solutions everything, and every misconception loses points."""
    assert audit(COURSE, COURSE.exercise(name), seed=COURSE.seed, thorough=False).findings == []


def test_no_file_is_left_over():
    """Every file in the course's trees belongs to an exercise."""
    assert unexpected_files(COURSE) == []
