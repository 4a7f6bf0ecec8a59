"""Grades for the gradebooks of Canvas and Moodle, with the names of directories turned into what these know people by.

A roster is the instructor's table with a row a student: `student` is the name of the directory, and as far as they are
known `name`, `id` (the institution's), `email`, `login`, and for Canvas `canvas_id` and `section`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from headcheck.errors import HeadcheckError
from headcheck.export import graded_sections, points_of
from headcheck.tables import plain, points_cell, read_table, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headcheck.results import SectionResult

CANVAS_KNOWS = ("canvas_id", "id", "login")
MOODLE_KNOWS = ("id", "email")
_NUMBERED = re.compile(r"\((\d+)\)$")


@dataclass(frozen=True)
class Person:
    """A row of a roster."""

    student: str
    name: str = ""
    id: str = ""
    email: str = ""
    login: str = ""
    canvas_id: str = ""
    section: str = ""


def read_roster(path: Path, results: list[SectionResult], known_by: Sequence[str]) -> dict[str, Person]:
    """The row of each student of the results; one of the columns `known_by` must be filled in for each."""
    columns = [field.name for field in fields(Person)]
    people: dict[str, Person] = {}
    for row in read_table(path, columns[:1], columns[1:]):
        person = Person(**{name: row.cells[name] for name in columns if name in row.cells})
        if person.student in people:
            raise HeadcheckError(f"{path}, line {row.line}: {person.student} has an earlier line; keep one")
        people[person.student] = person
    students = sorted({result.student for result in results})
    unlisted = [student for student in students if student not in people]
    if unlisted:
        raise HeadcheckError(f"{path} has no row for these students, so nothing was written: {', '.join(unlisted)}")
    nameless = [student for student in students if not any(getattr(people[student], name) for name in known_by)]
    if nameless:
        raise HeadcheckError(
            f"{path} must say one of {', '.join(known_by)} for these students, so nothing was written: "
            f"{', '.join(nameless)}"
        )
    return {student: people[student] for student in students}


def canvas_csv(results: list[SectionResult], roster: Mapping[str, Person], titles: Mapping[str, str]) -> str:
    """What Canvas imports: its five columns on the student, an assignment a section, and a row of points possible."""
    graded, points = graded_sections(results, titles), points_of(results)
    possible = {
        section: max(result.max_points for result in results if result.section == section) for section in graded
    }
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(plain(_canvas_title(titles[s])) for s in graded)],
        ["Points Possible", "", "", "", "", *(points_cell(possible[section]) for section in graded)],
    ]
    for student, person in roster.items():
        who = (person.name or student, person.canvas_id, person.id, person.login, person.section)
        rows.append([*map(plain, who), *(points_cell(points[student].get(section)) for section in graded)])
    return written(rows)


def _canvas_title(title: str) -> str:
    """The title of an assignment; a whole number in brackets at its end would be taken for Canvas's own id of one."""
    return _NUMBERED.sub(r"\1", title)


def moodle_csv(results: list[SectionResult], roster: Mapping[str, Person], titles: Mapping[str, str]) -> str:
    """What Moodle imports: columns by which it finds the user, and a grade item a section."""
    graded, points = graded_sections(results, titles), points_of(results)
    rows = [["ID number", "Email address", "Full name", *(plain(titles[section]) for section in graded)]]
    for student, person in roster.items():
        who = (person.id, person.email, person.name or student)
        rows.append([*map(plain, who), *(points_cell(points[student].get(section)) for section in graded)])
    return written(rows)
