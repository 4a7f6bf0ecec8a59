"""A property's text says the same of a solution in this process and of one in the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.grading import Paper, examine
from headcheck.properties import mistaken
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[2])
EXERCISES = [exercise.id for exercise in COURSE.exercises]
FIRSTS = [next(name for name in EXERCISES if name.startswith(f"{section}/")) for section in COURSE.sections]
# What the misconceptions' decorator is in a place where there is no engine.
DECORATOR = b"def misconception(**_): return lambda solution: solution"


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_earns_everything_in_the_sandbox(name, grader, course):
    """Handed in as a submission, the reference passes every property."""
    exercise = course.exercise(name)
    result = grader.grade(Paper(exercise, course.reference_sources(exercise), []), everything=True)
    assert [(p.name, p.message) for p in result.properties if p.outcome != "passed"] == []
    assert result.points == result.max_points


@pytest.mark.parametrize("name", EXERCISES)
def test_an_alternative_earns_everything_in_the_sandbox(name, untrained, course):
    """A right solution in another style passes every property, too; the audit has trained it, and all the others."""
    exercise = course.exercise(name)
    for path in exercise.alternatives[:1]:
        sources = course.reference_sources(exercise) | {exercise.module: path.read_bytes()}
        result = untrained.grade(Paper(exercise, sources, []), everything=True)
        assert [(path.stem, p.name, p.message) for p in result.properties if p.outcome != "passed"] == []


@pytest.mark.parametrize("name", FIRSTS)
def test_a_mistake_fails_the_same_properties_in_both_places(name, untrained, course):
    """The first misconception has the same outcomes in process and as a submission."""
    exercise = course.exercise(name)
    exam = untrained.exams.of(exercise)
    wrong = next(iter(exam.misconceptions.values()))
    connection = local(mistaken(course, exercise, wrong))
    here = examine(exam, lambda: connection, shrink=False)
    there = untrained.grade(Paper(exercise, _as_submission(course, exercise, wrong), []))
    assert {p.name: p.outcome for p in here} == {p.name: p.outcome for p in there.properties}


def _as_submission(course, exercise, wrong):
    """The reference with one name taken from the misconceptions' file."""
    sources = course.reference_sources(exercise)
    sources[exercise.module] += f"\n\nfrom wrong.ones import {wrong.name} as {wrong.of}\n".encode()
    return sources | {"wrong.ones": exercise.misconceptions.read_bytes(), "headcheck.properties": DECORATOR}
