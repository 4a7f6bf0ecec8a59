"""Export: a table that any spreadsheet reads as what it is."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.export import grades_csv
from headcheck.results import SectionResult

NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1)


def graded(student, section, points):
    """One section of one student."""
    return SectionResult(student, section, points, 10.0, "full", 0, [])


def rows(results, sections=("scoring", "multihead")):
    """The table as a reader of CSV sees it."""
    return list(csv.reader(io.StringIO(grades_csv(results, list(sections)))))


def test_one_row_a_student_and_one_column_a_section():
    """Students by name, sections in the course's order, the total last."""
    results = [graded("b", "scoring", 1.5), graded("a", "multihead", 2.0), graded("a", "scoring", 3.0)]
    assert rows(results) == [
        ["student", "scoring", "multihead", "total"],
        ["a", "3", "2", "5"],
        ["b", "1.5", "", "1.5"],
    ]


def test_a_section_that_nobody_was_graded_in_has_no_column():
    """An instructor grades one section at a time."""
    assert rows([graded("a", "scoring", 0.0)]) == [["student", "scoring", "total"], ["a", "0", "0"]]


def test_what_lateness_cost_has_a_column_of_its_own():
    """The sections are what is left; who lost nothing has a 0 there."""
    results = [graded("a", "scoring", 3.6), graded("b", "scoring", 5.0)]
    table = list(csv.reader(io.StringIO(grades_csv(results, ["scoring"], {"a": 0.4, "b": 0.0}))))
    assert table == [
        ["student", "scoring", "lost by lateness", "total"],
        ["a", "3.6", "0.4", "3.6"],
        ["b", "5", "0", "5"],
    ]


def test_points_have_no_rounding_noise():
    """0.1 + 0.2 is 0.3."""
    assert rows([graded("a", "scoring", 0.1), graded("a", "multihead", 0.2)])[1] == ["a", "0.1", "0.2", "0.3"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", " =", "\u3000+"])
def test_no_name_is_a_formula(start):
    """What a spreadsheet would run is text."""
    assert rows([graded(f"{start}HYPERLINK()", "scoring", 1.0)])[1][0] == f"'{start}HYPERLINK()"


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\x1b]8;;", "\u202e", "\x00"])
def test_what_a_name_hides_is_written_out(start):
    """Control characters and marks of direction are seen, and start nothing."""
    (cell,) = (row[0] for row in rows([graded(f"{start}=1", "scoring", 1.0)])[1:])
    assert cell.startswith("\\")
    assert cell.isprintable()


@given(st.lists(NAMES, unique=True))
def test_every_name_keeps_its_row_and_its_points(names):
    """Commas, quotes and other scripts do not shift a column."""
    table = rows([graded(name, "scoring", 1.0) for name in names])[1:]
    assert [(row[0].removeprefix("'"), row[-1]) for row in table] == [(n.removeprefix("'"), "1") for n in sorted(names)]
