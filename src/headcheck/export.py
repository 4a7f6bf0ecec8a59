"""The grades of a class as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headcheck.tables import plain, points_cell, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headcheck.results import SectionResult


def grades_csv(results: list[SectionResult], sections: list[str], lost: Mapping[str, float] | None = None) -> str:
    """One row a student, one column a section, and the total; a section that was not graded is empty.

    `lost` are the points that each student lost by being late, which the results do not have any more.
    """
    points = points_of(results)
    graded = graded_sections(results, sections)
    rows = [["student", *graded, *(["lost by lateness"] if lost is not None else []), "total"]]
    for student in sorted(points):
        row = points[student]
        late = [points_cell(lost.get(student, 0.0))] if lost is not None else []
        cells = [points_cell(row.get(section)) for section in graded]
        rows.append([plain(student), *cells, *late, points_cell(sum(row.values()))])
    return written(rows)


def points_of(results: list[SectionResult]) -> dict[str, dict[str, float]]:
    """The points of each student in each section."""
    points: dict[str, dict[str, float]] = {}
    for result in results:
        points.setdefault(result.student, {})[result.section] = result.points
    return points


def graded_sections(results: list[SectionResult], sections: Iterable[str]) -> list[str]:
    """The sections in which somebody was graded, in the course's order."""
    found = {result.section for result in results}
    return [section for section in sections if section in found]
