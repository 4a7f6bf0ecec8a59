"""A mistake is named whoever made it: written in other code than the misconception's, and never by another's name.

`tests/same_mistakes` holds what students might hand in: under the name of a misconception files that make its mistake
in their own way, under `_unnamed` files with a mistake that has no name, or with two at once.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.grading import examine, name_mistake, prepare
from headcheck.loading import load
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[2])
NAMED = COURSE.root / "tests" / "same_mistakes"
UNNAMED = NAMED / "_unnamed"
INPUTS = 12  # of each property: enough for nearly every mistake to show, at a quarter of the time
UNTOLD: dict[str, str] = {}  # files for which nothing is said, and why


def _files(tree, exercise):
    return sorted((tree / exercise.id).glob("*.py"))


def _told(exercise, paths):
    """What each file is told that it is, and `passed` for one in which nothing was found."""
    exam = prepare(COURSE, exercise, seed=COURSE.seed, training=False)
    exam = dataclasses.replace(exam, cases={name: cases[:INPUTS] for name, cases in exam.cases.items()})
    told = {}
    for path in paths:
        sources = COURSE.reference_sources(exercise) | {exercise.module: path.read_bytes()}
        connection = local(load(sources, exercise.module))
        results = examine(exam, lambda connection=connection: connection, shrink=False)
        mistake = name_mistake(exam, results, lambda connection=connection: connection)
        failed = any(result.outcome == "failed" for result in results)
        told[path.stem] = mistake.name if mistake else "nothing" if failed else "passed"
    return told


@pytest.mark.parametrize("name", [exercise.id for exercise in COURSE.exercises if _files(NAMED, exercise)])
def test_the_same_mistake_in_other_code_is_told_by_its_name(name):
    """By its own, or, where the list of exceptions says so, by none."""
    exercise = COURSE.exercise(name)
    told = _told(exercise, _files(NAMED, exercise))
    assert told == {stem: "nothing" if f"{name}/{stem}" in UNTOLD else stem for stem in told}


@pytest.mark.parametrize("name", [exercise.id for exercise in COURSE.exercises if _files(UNNAMED, exercise)])
def test_a_mistake_without_a_name_is_not_given_one(name):
    """Nor are two at once."""
    exercise = COURSE.exercise(name)
    told = _told(exercise, _files(UNNAMED, exercise))
    assert told == dict.fromkeys(told, "nothing")


def test_enough_mistakes_were_tried_and_few_are_left_untold():
    """Each file stands in its exercise's directory, under a name that a misconception has."""
    named = [path for exercise in COURSE.exercises for path in _files(NAMED, exercise)]
    unnamed = [path for exercise in COURSE.exercises for path in _files(UNNAMED, exercise)]
    assert {*named, *unnamed} == set(NAMED.rglob("*.py"))
    assert len(named) >= 200
    assert len(unnamed) >= 30
    assert set(UNTOLD) <= {str(path.relative_to(NAMED).with_suffix("")) for path in named}
    assert len(UNTOLD) <= 0.1 * len(named)
