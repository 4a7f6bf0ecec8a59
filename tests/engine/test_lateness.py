"""Lateness: the days of a table, the rule of a course, and points that are exact."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.course import Late, read_course
from headcheck.errors import CourseError, HeadcheckError
from headcheck.lateness import chosen_rule, part_lost, penalised, points_lost, read_late
from headcheck.results import SectionResult

RULE = Late(per_day=0.1, at_most=0.5)


def graded(points, student="amber", section="scoring"):
    """One section of one student."""
    return SectionResult(student, section, points, 10.0, "full", 0, [])


@pytest.fixture
def read(tmp_path):
    """Read a table of days for two students and two sections."""

    def read(text):
        (tmp_path / "late.csv").write_text(text)
        return read_late(tmp_path / "late.csv", ["amber", "bruno"], ["scoring", "multihead"])

    return read


def test_days_are_counted_less_the_extension(read):
    """Who was granted more days than they took is not late; no extension is none."""
    text = "student,section,days_late,extension_days\namber,scoring,3,1\namber,multihead,2,\nbruno,scoring,1,5\n"
    assert read(text) == {("amber", "scoring"): 2, ("amber", "multihead"): 2, ("bruno", "scoring"): 0}
    assert read("student,section,days_late\nbruno,multihead,4\n") == {("bruno", "multihead"): 4}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("chidi,scoring,1,", "line 3: 'chidi' is no student of these results"),
        ("amber,scorin,1,", "line 3: there is no section 'scorin'; see scoring, multihead"),
        ("bruno,scoring,2,", "line 3: bruno has an earlier line for scoring; keep one"),
        ("amber,scoring,,", "line 3: days_late is '', and must be a whole number of days; one that began counts"),
        ("amber,scoring,-1,", "days_late is '-1'"),
        ("amber,scoring,1.5,", "days_late is '1.5'"),
        ("amber,scoring,²,", "days_late is '²'"),
        ("amber,scoring,1,some", "extension_days is 'some'"),
        ("amber,scoring,1", "line 3: the number of cells is 3, that of columns 4"),
    ],
)
def test_a_bad_row_is_said_by_its_line(read, row, says):
    """Nothing is guessed where points are at stake."""
    with pytest.raises(HeadcheckError, match=r"late\.csv, line 3") as refused:
        read(f"student,section,days_late,extension_days\nbruno,scoring,1,\n{row}\n")
    assert says in str(refused.value)


def test_a_misspelt_column_is_refused(read):
    """An extension that nobody reads would cost points."""
    with pytest.raises(HeadcheckError, match="has a column 'extension'"):
        read("student,section,days_late,extension\namber,scoring,1,1\n")


@pytest.mark.parametrize(
    ("days", "points", "left"),
    [(0, 7.0, 7.0), (1, 7.0, 6.3), (3, 7.0, 4.9), (3, 1.1, 0.77), (5, 7.0, 3.5), (60, 7.0, 3.5), (2, 0.0, 0.0)],
)
def test_points_are_those_of_the_rule_to_the_last_digit(days, points, left):
    """A tenth a day, half at most."""
    (result,) = penalised([graded(points)], {("amber", "scoring"): days}, RULE)
    assert (result.points, result.max_points) == (left, 10.0)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 1000))
def test_the_part_is_exact_never_more_than_the_most_and_never_all_too_much(per_day, at_most, days):
    """In hundredths, for which floats have no exact number."""
    lost = part_lost(days, Late(per_day=per_day / 100, at_most=at_most / 100))
    assert lost == min(Fraction(at_most, 100), Fraction(per_day * days, 100))


def test_only_the_late_section_of_the_late_student_loses():
    """The results themselves stay as they are."""
    before = [graded(4.0), graded(6.0, section="multihead"), graded(8.0, student="bruno")]
    after = penalised(before, {("amber", "scoring"): 1}, RULE)
    assert [result.points for result in after] == [3.6, 6.0, 8.0]
    assert [result.points for result in before] == [4.0, 6.0, 8.0]
    assert points_lost(before, after) == {"amber": 0.4, "bruno": 0.0}


def test_the_rule_stands_in_the_course(write_course):
    """Without `at_most` everything can be lost; without a rule there is none."""
    course = write_course()
    assert course.late is None
    file = course.root / "assignments" / "course.toml"
    text = file.read_text()
    file.write_text(f"late = {{per_day = 0.1, at_most = 0.5}}\n{text}")
    assert read_course(course.root).late == RULE
    file.write_text(f"late = {{per_day = 1}}\n{text}")
    assert read_course(course.root).late == Late(per_day=1.0, at_most=1.0)


def test_a_rule_that_was_asked_for_goes_before_the_courses():
    """Number by number."""
    assert chosen_rule(RULE, None, None) == RULE
    assert chosen_rule(RULE, 0.2, None) == Late(per_day=0.2, at_most=0.5)
    assert chosen_rule(RULE, None, 0.3) == Late(per_day=0.1, at_most=0.3)
    assert chosen_rule(None, 0.2, None) == Late(per_day=0.2, at_most=1.0)


@pytest.mark.parametrize(
    ("per_day", "at_most", "says"),
    [
        (None, 0.5, "there is no rule for late work: give one with --per-day, or as `late` in assignments/course.toml"),
        (10.0, None, "this is no rule for late work"),
        (0.1, -1.0, "this is no rule for late work"),
        (float("nan"), None, "this is no rule for late work"),
    ],
)
def test_what_is_no_rule_is_said(per_day, at_most, says):
    """And how to give one."""
    with pytest.raises(HeadcheckError) as refused:
        chosen_rule(None, per_day, at_most)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "rule",
    ["{per_day = 1.5}", "{per_day = -0.1}", "{at_most = 0.5}", "{per_day = 0.1, most = 1}", "{per_day = nan}"],
)
def test_a_rule_that_cannot_be_meant_is_refused(write_course, rule):
    """Parts lie between 0 and 1, and words are spelt as they are."""
    course = write_course()
    file = course.root / "assignments" / "course.toml"
    file.write_text(f"late = {rule}\n{file.read_text()}")
    with pytest.raises(CourseError, match="late"):
        read_course(course.root)
