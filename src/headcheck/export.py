"""Results in other people's formats."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import TYPE_CHECKING

from headcheck.text import visible

if TYPE_CHECKING:
    from headcheck.results import SectionResult

_FORMULA = ("=", "+", "-", "@")


def grades_csv(results: list[SectionResult], sections: list[str]) -> str:
    """One row a student, one column a section, and the total; a section that was not graded is empty."""
    points: dict[str, dict[str, float]] = {}
    for result in results:
        points.setdefault(result.student, {})[result.section] = result.points
    graded = [section for section in sections if any(section in row for row in points.values())]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["student", *graded, "total"])
    for student in sorted(points):
        row = points[student]
        writer.writerow(
            [_plain(student), *(_number(row.get(section)) for section in graded), _number(sum(row.values()))]
        )
    return out.getvalue()


def _number(points: float | None) -> str:
    return "" if points is None else f"{round(points, 6):g}"


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, wide signs and spaces before them included."""
    text = visible(text)
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip().startswith(_FORMULA) else text
