"""A class in numbers: what is computed by hand here, and what holds for any class."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.classroom import SMALLEST, Bin, classroom
from headcheck.results import Curve, Diagnosis, ExerciseResult, PropertyResult, section_result

MASKED = Diagnosis("mask_after_softmax", "When should the mask act?")
SCALED = Diagnosis("scaled_by_the_values", "Whose width is summed over?")


def check(name="x", outcome="passed", curves=()):
    """One property's result."""
    return PropertyResult(name, "public", "core", outcome, 0.0, 1.0, curves=list(curves))


def exercise(points, status="failed", *, most=10.0, name="a/b", mistake=None, properties=()):
    """One exercise's result."""
    return ExerciseResult(name, status, points, most, 0.1, mistake, list(properties))


def a_class(exercises, section="a"):
    """A class with one section, from the exercises of each student."""
    results = [section_result(student, section, "full", 7, own) for student, own in exercises.items()]
    return classroom(results, [section])


def on_one(shares):
    """The summary of an exercise by the share of it that each of some students has; another one makes their totals."""
    exercises = {
        f"s{place:02}": [exercise(10 * share), exercise(100.0 * total, name="a/other", most=10_000.0)]
        for place, (share, total) in enumerate(shares)
    }
    return a_class(exercises).exercises[0]


def test_totals_are_over_all_sections_in_the_order_of_the_names():
    """Whatever the order of the results, and a section that one was not graded in counts as nothing."""
    graded = [("Zoe", "b", 2.0), ("amber", "a", 4.0), ("Zoe", "a", 0.1), ("amber", "b", 0.2)]
    results = [section_result(who, where, "full", 7, [exercise(n, name=f"{where}/x")]) for who, where, n in graded]
    room = classroom([*results, section_result("Max", "a", "full", 7, [])], ["b", "a"])
    assert list(room.totals.items()) == [("amber", 4.2), ("Max", 0.0), ("Zoe", 2.1)]
    assert room.most == 20.0
    assert [one.exercise for one in room.exercises] == ["b/x", "a/x"]


def test_the_distribution_is_of_those_who_handed_in_something():
    """Ten bins, of which the last holds full marks; 10 % belongs to the second."""
    points = {"a": 0.0, "b": 0.99, "c": 1.0, "d": 9.0, "e": 10.0}
    room = a_class({name: [exercise(n)] for name, n in points.items()} | {"f": [exercise(0.0, "missing")]})
    assert room.absent == ["f"]
    assert [each for each in room.distribution if each.count] == [Bin(0, 10, 2), Bin(10, 20, 1), Bin(90, 100, 2)]
    assert room.mean == pytest.approx((0 + 9.9 + 10 + 90 + 100) / 5)
    assert room.median == pytest.approx(10)


def test_a_class_without_results_or_points_has_no_numbers():
    """Nothing is divided by nothing."""
    for room in (classroom([], []), a_class({"a": [exercise(0.0, "missing", most=0.0)]})):
        assert room.percents == []
        assert room.mean is room.median is None
        assert sum(each.count for each in room.distribution) == 0
    (one,) = a_class({"a": [exercise(0.0, "missing")]}).exercises
    assert one.difficulty is one.discrimination is None


def test_difficulty_is_the_mean_share_of_those_who_handed_in():
    """Who handed in nothing made nothing wrong, and what headcheck broke on is nobody's."""
    statuses = [(10.0, "passed"), (5.0, "failed"), (0.0, "timeout"), (0.0, "missing"), (10.0, "broken")]
    (one,) = a_class({f"s{place}": [exercise(*each)] for place, each in enumerate(statuses)}).exercises
    assert one.difficulty == pytest.approx((1 + 0.5 + 0) / 3)
    assert (one.passed, one.not_passed, one.missing) == (["s0"], ["s1", "s2"], ["s3"])
    assert one.handed_in == ["s0", "s1", "s2", "s4"]


def test_discrimination_is_the_upper_third_less_the_lower_third():
    """Of ten students three are a third: (1 + .9 + .8) / 3 less (.1 + .2 + 0) / 3."""
    shares = [0.1, 0.2, 0.0, 0.5, 0.6, 0.4, 0.5, 0.8, 0.9, 1.0]
    one = on_one([(share, place) for place, share in enumerate(shares)])
    assert one.discrimination == pytest.approx(0.9 - 0.1)


def test_an_exercise_on_which_the_weak_do_better_discriminates_below_zero():
    """By totals that others decide."""
    one = on_one([(1.0, place) if place < 3 else (0.25, place) for place in range(9)])
    assert one.discrimination == pytest.approx(-0.75)


def test_students_with_one_total_at_a_border_count_in_equal_parts():
    """Of nine, one is above and two below; the six between share two places above and one below."""
    middle = [0.0, 0.3, 0.6, 0.6, 0.3, 0.6]
    shares = [(0.1, 1), (0.2, 1), *((share, 5) for share in middle), (1.0, 9)]
    found = on_one([(share, total - share / 10) for share, total in shares])  # totals are equal, to the last digit
    assert found.discrimination == pytest.approx((1 + 2 * 0.4) / 3 - (0.1 + 0.2 + 0.4) / 3)


def test_of_a_small_class_nothing_is_said():
    """Eight have thirds of two."""
    assert on_one([(0.1 * place, place) for place in range(SMALLEST - 1)]).discrimination is None
    assert on_one([(0.1 * place, place) for place in range(SMALLEST)]).discrimination is not None


shares_and_totals = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=SMALLEST, max_size=30)


@given(shares_and_totals, st.randoms(use_true_random=False))
def test_the_order_of_the_names_changes_nothing(drawn, chance: random.Random):
    """Ties included; and D lies between -1 and 1."""
    students = [(share / 4, total) for share, total in drawn]
    one, other = on_one(students), on_one(chance.sample(students, len(students)))
    assert one.discrimination == pytest.approx(other.discrimination)
    assert one.difficulty == pytest.approx(other.difficulty)
    assert -1 <= one.discrimination <= 1


@given(shares_and_totals)
def test_an_exercise_that_all_do_alike_does_not_discriminate(drawn):
    """Its D is 0, whatever the totals."""
    assert on_one([(0.5, total) for _, total in drawn]).discrimination == pytest.approx(0)


def test_a_check_is_passed_by_a_share_of_those_who_handed_in():
    """What was skipped is not passed; what broke is not judged; who handed in nothing is not asked."""
    outcomes = ["passed", "passed", "failed", "timeout", "skipped", "broken"]
    exercises = {f"s{place}": [exercise(0.0, properties=[check("x", each)])] for place, each in enumerate(outcomes)}
    exercises["t"] = [exercise(0.0, "missing", properties=[check("x", "missing")])]
    (found,) = a_class(exercises).exercises[0].checks
    assert (found.passed, found.failed, found.skipped, found.broken) == (2, 2, 1, 1)
    assert (found.judged, found.percent) == (5, 40)


def test_misconceptions_are_ranked_over_the_class():
    """By how many share each; equal ones in the order of the exercises."""
    mistakes = {"a": [SCALED, MASKED], "b": [SCALED, None], "c": [None, MASKED], "d": [SCALED, MASKED]}
    room = a_class(
        {
            name: [exercise(0.0, mistake=first, name="a/x"), exercise(0.0, mistake=second, name="a/y")]
            for name, (first, second) in mistakes.items()
        }
        | {"e": [exercise(0.0, name="a/x"), exercise(0.0, mistake=SCALED, name="a/y")]}
    )
    found = [(one.exercise, one.diagnosis, one.students) for one in room.mistakes]
    assert found == [
        ("a/x", SCALED, ["a", "b", "d"]),
        ("a/y", MASKED, ["a", "c", "d"]),
        ("a/y", SCALED, ["e"]),
    ]


def test_what_broke_comes_before_what_took_too_long_and_what_crashed():
    """Each with its exercises, and whose they are; what simply failed is not among it."""
    statuses = {"a": ["crashed", "passed"], "b": ["failed", "broken"], "c": ["crashed", "timeout"]}
    room = a_class(
        {
            name: [exercise(0.0, status, name=f"a/{place}") for place, status in enumerate(own)]
            for name, own in statuses.items()
        }
    )
    found = {status: [(one.exercise, one.students) for one in troubles] for status, troubles in room.troubles.items()}
    assert found == {"broken": [("a/1", ["b"])], "timeout": [("a/1", ["c"])], "crashed": [("a/0", ["a", "c"])]}
    assert list(found) == ["broken", "timeout", "crashed"]


def test_trainings_are_gathered_by_property():
    """The curves of everybody who came to train."""
    loss, other = Curve("the loss", [2.0, 1.0]), Curve("the loss", [3.0, 1.0])
    exercises = {
        "a": [exercise(1.0, properties=[check("plain"), check("trains", curves=[loss])])],
        "b": [exercise(1.0, properties=[check("plain"), check("trains", "failed", curves=[other, loss])])],
        "c": [exercise(1.0, properties=[check("plain", "failed"), check("trains", "skipped")])],
    }
    found = a_class(exercises).exercises[0].trainings
    assert [(of.name, curves) for of, curves in found] == [("trains", [loss, other, loss])]
