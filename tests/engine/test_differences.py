"""What changed between two gradings, for whom, and by what."""

from __future__ import annotations

import csv
import dataclasses

import pytest

from headcheck.differences import WorthChange, differences, differences_csv
from headcheck.results import Diagnosis, ExerciseResult, PropertyResult, section_result


def claim(name, outcome="passed", worth=2.0):
    """One property's result; its sentence is its name, spoken."""
    points = worth if outcome == "passed" else 0.0
    sentence = f"{name.replace('_', ' ').capitalize()}."
    return PropertyResult(name, "public", "core", outcome, points, worth, sentence=sentence)


def exercise(name, *properties, status=""):
    """An exercise with the points of its properties; it passes when they all do."""
    passed = all(each.outcome == "passed" for each in properties)
    points, most = sum(each.points for each in properties), sum(each.max_points for each in properties)
    ends = status or ("passed" if passed else "failed")
    return ExerciseResult(name, ends, points, most, 0.1, None, list(properties))


def graded(**work):
    """The results of a class: each student's exercises, in one section each."""
    results = []
    for student, exercises in work.items():
        for section in dict.fromkeys(each.exercise.partition("/")[0] for each in exercises):
            own = [each for each in exercises if each.exercise.startswith(f"{section}/")]
            results.append(section_result(student, section, "full", 7, own))
    return results


RIGHT = exercise("s/a", claim("sums"), claim("zeros"))
HALF = exercise("s/a", claim("sums"), claim("zeros", "failed"))
OTHER_HALF = exercise("s/a", claim("sums", "failed"), claim("zeros"))
NOTHING = exercise("s/a", claim("sums", "failed"), claim("zeros", "timeout"), status="timeout")
OTHER = exercise("t/b", claim("rows", worth=1.5))


def only(before, after):
    """The one exercise that changed, of one student."""
    (student,) = differences(graded(amber=[before]), graded(amber=[after])).students
    (change,) = student.exercises
    return change


def test_equal_results_have_no_differences():
    """And nobody is named."""
    found = differences(graded(amber=[RIGHT, OTHER], bruno=[HALF]), graded(bruno=[HALF], amber=[RIGHT, OTHER]))
    assert not found
    assert (found.students, found.unchanged, found.worths) == ([], 2, [])


def test_texts_and_times_are_no_difference():
    """What a student is told may change without a point."""
    told = dataclasses.replace(HALF.properties[1], message="m", hint="h", seconds=3.0, sentence="Otherwise.")
    after = dataclasses.replace(
        HALF, properties=[HALF.properties[0], told], seconds=9.0, notes=["n"], misconception=Diagnosis("d", "m")
    )
    assert not differences(graded(amber=[HALF]), graded(amber=[after]))


def test_points_are_gained_and_lost_by_properties():
    """The exercise and the property are named, with how they ended; all else is left out."""
    (student,) = differences(graded(amber=[RIGHT, OTHER]), graded(amber=[HALF, OTHER])).students
    assert (student.before, student.after, student.gained, student.kind) == (5.5, 3.5, -2.0, "loses")
    (change,) = student.exercises
    assert (change.exercise, change.gained, change.ends) == ("s/a", -2.0, ("passed", "failed"))
    assert [(each.of.sentence, each.ends) for each in change.properties] == [("Zeros.", ("passed", "failed"))]


def test_an_end_that_costs_nothing_is_a_difference_all_the_same():
    """Another property passes, or what failed now takes too long."""
    change = only(HALF, OTHER_HALF)
    assert change.gained == 0
    assert [each.ends for each in change.properties] == [("passed", "failed"), ("failed", "passed")]
    (student,) = differences(graded(amber=[HALF]), graded(amber=[OTHER_HALF])).students
    assert student.kind == "other"
    slow = exercise("s/a", claim("sums", "failed"), claim("zeros", "failed"))
    assert only(slow, NOTHING).ends == ("failed", "timeout")


def test_who_loses_comes_first_then_who_gains_then_the_others():
    """Most points first; others by name."""
    before = graded(amber=[HALF], bruno=[RIGHT], chidi=[RIGHT], dana=[HALF], erin=[NOTHING], finn=[RIGHT], gone=[HALF])
    after = graded(
        amber=[OTHER_HALF], bruno=[HALF], chidi=[NOTHING], dana=[RIGHT], erin=[RIGHT], finn=[RIGHT], zoe=[HALF]
    )
    found = differences(before, after)
    kinds = [(each.student, each.kind, each.gained) for each in found.students]
    assert kinds == [
        ("chidi", "loses", -4.0), ("bruno", "loses", -2.0),
        ("erin", "gains", 4.0), ("dana", "gains", 2.0),
        ("amber", "other", 0.0), ("gone", "other", 0.0), ("zoe", "other", 0.0),
    ]  # fmt: skip
    assert found.unchanged == 1
    assert [each.student for each in found.of("gains")] == ["erin", "dana"]


def test_students_may_be_new_or_gone():
    """They gain and lose nothing: there is nothing to compare."""
    gone, new = differences(graded(gone=[HALF]), graded(zoe=[RIGHT])).students
    assert (gone.before, gone.after, new.before, new.after) == (2.0, None, None, 4.0)
    assert [(each.exercise, each.ends) for each in gone.exercises] == [("s/a", ("failed", None))]
    assert [(each.exercise, each.ends) for each in new.exercises] == [("s/a", (None, "passed"))]


def test_exercises_may_be_new_or_gone():
    """Their points count; what is there of a section beside them is compared."""
    (student,) = differences(graded(amber=[RIGHT, OTHER]), graded(amber=[RIGHT, exercise("s/c", claim("x"))])).students
    assert [(each.exercise, each.gained, each.ends, each.properties) for each in student.exercises] == [
        ("s/c", 2.0, (None, "passed"), []), ("t/b", -1.5, ("passed", None), []),
    ]  # fmt: skip
    assert student.gained == 0.5


def test_properties_may_be_new_or_gone():
    """With how they end, or ended."""
    change = only(HALF, exercise("s/a", claim("sums"), claim("rows", "failed")))
    assert [(each.of.name, each.ends) for each in change.properties] == [
        ("rows", (None, "failed")), ("zeros", ("failed", None)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "worths"),
    [
        (RIGHT, exercise("s/a", claim("sums", worth=3.0), claim("zeros", worth=3.0)), [("", 4.0, 6.0)]),
        (RIGHT, exercise("s/a", claim("sums", worth=0.0), claim("zeros", worth=0.0)), [("", 4.0, 0.0)]),
        (RIGHT, exercise("s/a", claim("sums", worth=3.0), claim("zeros")), [("", 4.0, 5.0), ("Sums.", 2.0, 3.0)]),
        (
            RIGHT, exercise("s/a", claim("sums", worth=3.0), claim("zeros", worth=1.0)),
            [("Sums.", 2.0, 3.0), ("Zeros.", 2.0, 1.0)],
        ),
        (RIGHT, exercise("s/a", claim("sums"), claim("zeros"), claim("rows")), [("", 4.0, 6.0)]),
    ],
)  # fmt: skip
def test_what_is_worth_something_else_is_said_once(before, after, worths):
    """Of the exercise, and of its properties where they did not just follow it."""
    found = differences(graded(amber=[before], bruno=[before]), graded(amber=[after], bruno=[after]))
    assert found.worths == [WorthChange("s/a", *each) for each in worths]


def test_another_worth_of_what_nobody_earned_changes_nobody():
    """It is a difference none the less."""
    lost = exercise("s/a", claim("sums", "failed", worth=3.0), claim("zeros", "timeout", worth=3.0), status="timeout")
    found = differences(graded(amber=[NOTHING]), graded(amber=[lost]))
    assert found
    assert (found.students, found.unchanged) == ([], 1)


def test_the_table_has_a_row_for_each_exercise_that_changed():
    """Points are numbers, names are no formulas, what is not there is empty."""
    before, after = graded(**{"=amber": [RIGHT, OTHER], "gone": [HALF]}), graded(**{"=amber": [NOTHING, OTHER]})
    rows = list(csv.DictReader(differences_csv(differences(before, after)).splitlines()))
    assert [list(row.values()) for row in rows] == [
        [
            "'=amber", "s/a", "-4", "4", "0", "4", "4", "passed", "timeout",
            "sums: passed -> failed; zeros: passed -> timeout",
        ],
        ["gone", "s/a", "-2", "2", "", "4", "", "failed", "", ""],
    ]  # fmt: skip
    assert list(rows[0]) == [
        "student", "exercise", "change", "points_before", "points_after", "max_points_before", "max_points_after",
        "status_before", "status_after", "checks",
    ]  # fmt: skip


def test_the_table_names_properties_that_are_new():
    """As absent before."""
    change = differences(graded(amber=[RIGHT]), graded(amber=[exercise("s/a", claim("sums"))]))
    assert "zeros: passed -> absent" in differences_csv(change)
