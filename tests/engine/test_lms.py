"""Canvas and Moodle: the columns that their imports document, and nobody lost on the way."""

from __future__ import annotations

import csv
import io

import pytest

from headcheck.errors import HeadcheckError
from headcheck.lms import CANVAS_KNOWS, MOODLE_KNOWS, canvas_csv, moodle_csv, read_roster
from headcheck.results import SectionResult

TITLES = {"scoring": "Scores (10.3)", "multihead": "Many heads", "bonus": "=Bonus"}
ROSTER = """student,name,id,email,login,canvas_id,section,phone
amber,"Ambrose, Amber",S1,amber@example.org,amb,101,A,5
bruno,,S2,bruno@example.org,,,,
"""


def graded(student, section, points, max_points=10.0):
    """One section of one student."""
    return SectionResult(student, section, points, max_points, "full", 0, [])


RESULTS = [graded("bruno", "multihead", 2.5), graded("amber", "multihead", 3.0), graded("amber", "scoring", 7.0, 20.0)]


@pytest.fixture
def roster(tmp_path):
    """Read a roster for these results."""

    def read(text=ROSTER, results=RESULTS, known_by=CANVAS_KNOWS):
        (tmp_path / "roster.csv").write_text(text)
        return read_roster(tmp_path / "roster.csv", results, known_by)

    return read


def rows(text):
    """The table as a reader of CSV sees it."""
    return list(csv.reader(io.StringIO(text)))


def test_canvas_gets_its_five_columns_and_the_points_possible(roster):
    """As its own export has them; a section that nobody was graded in has no column."""
    assert rows(canvas_csv(RESULTS, roster(), TITLES)) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Scores (10.3)", "Many heads"],
        ["Points Possible", "", "", "", "", "20", "10"],
        ["Ambrose, Amber", "101", "S1", "amb", "A", "7", "3"],
        ["bruno", "", "S2", "", "", "", "2.5"],
    ]


def test_a_title_is_not_taken_for_an_assignment_of_canvas(roster):
    """`Many heads (10)` would be the grades of assignment 10, whatever that is."""
    titles = TITLES | {"multihead": "Many heads (10)"}
    assert rows(canvas_csv(RESULTS, roster(), titles))[0][-1] == "Many heads 10"


def test_moodle_gets_what_it_finds_a_user_by_and_a_grade_item_a_section(roster):
    """Its ID number and email address."""
    assert rows(moodle_csv(RESULTS, roster(known_by=MOODLE_KNOWS), TITLES)) == [
        ["ID number", "Email address", "Full name", "Scores (10.3)", "Many heads"],
        ["S1", "amber@example.org", "Ambrose, Amber", "7", "3"],
        ["S2", "bruno@example.org", "bruno", "", "2.5"],
    ]


@pytest.mark.parametrize("table", [canvas_csv, moodle_csv])
def test_no_cell_is_a_formula(roster, table):
    """Neither a name of a roster nor a title is run by a spreadsheet."""
    text = "student,name,id,section,login,email\n=1,=2,+3,-4,@5,\uff1d6\n"
    results = [graded("=1", "bonus", 1.0)]
    cells = [cell for row in rows(table(results, roster(text, results), TITLES)) for cell in row]
    assert {"'=2", "'+3", "'=Bonus"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]


def test_students_without_a_row_are_listed(roster):
    """All of them, and nothing is written."""
    with pytest.raises(HeadcheckError, match=r"roster\.csv has no row for these students.*: amber, bruno"):
        roster("student,name,id\nchidi,Chidi,1\n")


def test_students_whom_the_other_side_could_not_find_are_listed(roster):
    """An email address is no use to Canvas."""
    text = "student,email\namber,a@example.org\nbruno,b@example.org\n"
    assert list(roster(text, known_by=MOODLE_KNOWS)) == ["amber", "bruno"]
    with pytest.raises(HeadcheckError, match=r"must say one of canvas_id, id, login for these.*: amber, bruno"):
        roster(text)


def test_a_student_has_one_row(roster):
    """Two ids for one directory are a mistake."""
    with pytest.raises(HeadcheckError, match=r"roster\.csv, line 4: amber has an earlier line; keep one"):
        roster(f"{ROSTER}amber,,S9,,,,,\n")
