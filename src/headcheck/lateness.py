"""What being late costs, by a table of days and the course's rule: fewer points in exports, and never in results."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from headcheck.course import COURSE_FILE, Late
from headcheck.errors import HeadcheckError
from headcheck.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from headcheck.results import SectionResult
    from headcheck.tables import Row

    Days = Mapping[tuple[str, str], int]

REQUIRED = ("student", "section", "days_late")
EXTENSION = "extension_days"


def read_late(path: Path, students: Iterable[str], sections: Iterable[str]) -> Days:
    """How many days late each student was in each section, less the extension that was granted."""
    known, there = set(students), list(sections)
    days: dict[tuple[str, str], int] = {}
    for row in read_table(path, REQUIRED, (EXTENSION,), strict=True):
        student, section = row.cells["student"], row.cells["section"]
        if student not in known:
            raise HeadcheckError(f"{path}, line {row.line}: {student!r} is no student of these results")
        if section not in there:
            raise HeadcheckError(f"{path}, line {row.line}: there is no section {section!r}; see {', '.join(there)}")
        if (student, section) in days:
            raise HeadcheckError(f"{path}, line {row.line}: {student} has an earlier line for {section}; keep one")
        late = _whole_days(path, row, "days_late")
        days[student, section] = max(0, late - _whole_days(path, row, EXTENSION))
    return days


def _whole_days(path: Path, row: Row, column: str) -> int:
    text = row.cells.get(column, "")
    if column == EXTENSION and not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise HeadcheckError(
            f"{path}, line {row.line}: {column} is {text!r}, and must be a whole number of days; one that began counts"
        )
    return int(text)


def chosen_rule(rule: Late | None, per_day: float | None, at_most: float | None) -> Late:
    """The course's rule, in which what was asked for instead replaces its numbers."""
    numbers = {} if rule is None else {"per_day": rule.per_day, "at_most": rule.at_most}
    asked = {"per_day": per_day, "at_most": at_most}
    numbers |= {name: number for name, number in asked.items() if number is not None}
    if "per_day" not in numbers:
        raise HeadcheckError(f"there is no rule for late work: give one with --per-day, or as `late` in {COURSE_FILE}")
    try:
        return msgspec.convert(numbers, Late)
    except msgspec.ValidationError as error:
        raise HeadcheckError(f"this is no rule for late work: {error}") from error


def part_lost(days: int, rule: Late) -> Fraction:
    """The part of the points that so many days cost, exact in the rule's decimal digits."""
    return min(Fraction(str(rule.at_most)), Fraction(str(rule.per_day)) * days)


def penalised(results: list[SectionResult], days: Days, rule: Late) -> list[SectionResult]:
    """The results with the points that are left of each section; the exercises keep theirs."""
    left = []
    for result in results:
        lost = part_lost(days.get((result.student, result.section), 0), rule)
        points = Fraction(str(result.points)) * (1 - lost)
        left.append(dataclasses.replace(result, points=float(round(points, 6))))
    return left


def points_lost(before: list[SectionResult], after: list[SectionResult]) -> dict[str, float]:
    """The points by which two lists of the same results differ, by student."""
    lost: dict[str, float] = {}
    for earned, left in zip(before, after, strict=True):
        lost[earned.student] = round(lost.get(earned.student, 0.0) + earned.points - left.points, 6)
    return lost
