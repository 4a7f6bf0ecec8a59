"""The report as pages: an overview of the class and one page a student, each whole in itself, without any script.

What came from a submission is escaped twice over: `visible` takes out what hides or moves text, Jinja what is markup.
Both happen to every value that a template writes, without the template asking for it.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from headcheck.matrices import Cell, pairs, views
from headcheck.results import Diagnosis, ExerciseResult, PropertyResult, SectionResult
from headcheck.text import UNPROTECTED, marks, number, slug, spoken, visible

COMMON_MISTAKES = 3


@dataclass(frozen=True)
class StudentPage:
    """A student, the place of their page, and their results by section."""

    name: str
    path: str
    sections: dict[str, SectionResult]

    @property
    def points(self) -> float:
        return sum(result.points for result in self.sections.values())


@dataclass(frozen=True)
class ExerciseSummary:
    """How a class did on one exercise; `mistakes` are its most frequent misconceptions and how many share each."""

    exercise: str
    graded: int
    passed: int
    mistakes: list[tuple[Diagnosis, int]]

    @property
    def percent(self) -> int:
        return round(100 * self.passed / self.graded)


def render_report(
    results: list[SectionResult], sections: dict[str, str], awaiting: Mapping[str, str]
) -> dict[str, str]:
    """The pages of a class by relative path.

    `sections` are the course's titles in order, `awaiting` what a person has yet to judge in each.
    """
    titles = sections | {result.section: result.section for result in results if result.section not in sections}
    present = {result.section for result in results}
    titles = {name: title for name, title in titles.items() if name in present}
    students = _students(results)
    common = {"titles": titles, "awaiting": awaiting, "levels": sorted({result.sandbox for result in results})}
    index = _page(
        "index", students=students, columns=_columns(results, titles), exercises=_summaries(results, titles), **common
    )
    return {"index.html": index} | {student.path: _page("student", student=student, **common) for student in students}


def render_exercise(result: ExerciseResult, *, hidden_left: int = 0) -> str:
    """One exercise for its student, as a part of somebody else's page: a notebook's output, say."""
    return _page("fragment", exercise=result, hidden_left=hidden_left)


def _students(results: list[SectionResult]) -> list[StudentPage]:
    found: dict[str, dict[str, SectionResult]] = {}
    for result in results:
        found.setdefault(result.student, {})[result.section] = result
    names = sorted(found, key=lambda name: (name.casefold(), name))
    paths = [f"students/{place}-{slug(name)}.html" for place, name in enumerate(names, start=1)]
    return [StudentPage(name, path, found[name]) for name, path in zip(names, paths, strict=True)]


def _columns(results: list[SectionResult], titles: dict[str, str]) -> dict[str, float]:
    """What each section is worth."""
    return {name: max(result.max_points for result in results if result.section == name) for name in titles}


def _summaries(results: list[SectionResult], titles: dict[str, str]) -> list[ExerciseSummary]:
    found: dict[str, list[ExerciseResult]] = {}
    for section in titles:
        for exercise in (one for result in results if result.section == section for one in result.exercises):
            found.setdefault(exercise.exercise, []).append(exercise)
    return [_summary(exercise, graded) for exercise, graded in found.items()]


def _summary(exercise: str, graded: list[ExerciseResult]) -> ExerciseSummary:
    passed = sum(result.status == "passed" for result in graded)
    mistakes = Counter(result.misconception for result in graded if result.misconception)
    return ExerciseSummary(exercise, len(graded), passed, mistakes.most_common(COMMON_MISTAKES))


def _groups(properties: list[PropertyResult]) -> dict[str, list[PropertyResult]]:
    """An exercise's properties under their headings."""
    named = {"core": "", "robust": "Beyond the book"}
    found = {heading: [one for one in properties if one.group == group] for group, heading in named.items()}
    return {heading: members for heading, members in found.items() if members}


def _page(template: str, **content: Any) -> str:
    return _environment().get_template(f"{template}.html.jinja").render(content)


@cache
def _environment() -> Environment:
    """Every value written is made visible, then escaped; a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("headcheck", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    style = files("headcheck").joinpath("templates/report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.filters.update(points=number, spoken=spoken, block=_block, marks=marks)
    environment.filters.update(views=views, groups=_groups, shade=_shade)
    environment.globals.update(pairs=pairs, style=Markup(style), style_hash=f"sha256-{digest}", unprotected=UNPROTECTED)  # noqa: S704
    return environment


def _block(text: str) -> Markup:
    """Text that keeps its lines."""
    return escape(visible(text, lines=True))


def _shade(cell: Cell) -> str:
    """A cell's classes: its sign and level, and whether it differs."""
    shade = "odd" if cell.level is None else f"{'n' if cell.level < 0 else 'p'}{abs(cell.level)}"
    return f"{shade} off" if cell.differs else shade
