"""Results as pages: an overview of the class, one page a student, one for one's own check; whole, without any script.

Everything that a page says goes through `headcheck.language`, the page's own words as `say("...")` in its template.
What came from a submission is escaped twice over: `visible` takes out what hides or moves text, Jinja what is markup.
Both happen to every value that a template writes, without the template asking for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from headcheck import charts
from headcheck.language import LANGUAGES, say, spoken_language, translated
from headcheck.matrices import Cell, pairs, views
from headcheck.results import Diagnosis, ExerciseResult, SectionResult
from headcheck.text import UNPROTECTED, marks, number, slug, spoken, visible

COMMON_MISTAKES = 3
NO_FILE = "there is no file for this exercise"


@dataclass(frozen=True)
class StudentPage:
    """A student, the place of their page, and their results by section."""

    name: str
    path: str
    sections: dict[str, SectionResult]

    @property
    def points(self) -> float:
        return sum(result.points for result in self.sections.values())

    @property
    def max_points(self) -> float:
        return sum(result.max_points for result in self.sections.values())

    def handed_in(self, section: str) -> list[ExerciseResult]:
        """The exercises of a section that are there."""
        return [exercise for exercise in self.sections[section].exercises if exercise.status != "missing"]

    @property
    def count(self) -> int:
        """How many exercises are there."""
        return sum(len(self.handed_in(section)) for section in self.sections)

    @property
    def submissions(self) -> int:
        """How many sections were begun."""
        return sum(not self.is_untouched(section) for section in self.sections)

    def missing(self, section: str) -> dict[str, list[ExerciseResult]]:
        """The others, by what is said of them beyond that there is no file."""
        found: dict[str, list[ExerciseResult]] = {}
        for exercise in self.sections[section].exercises:
            if exercise.status == "missing":
                found.setdefault(_reason(exercise), []).append(exercise)
        return found

    def is_untouched(self, section: str) -> bool:
        """Whether nothing of a section was handed in, for one reason."""
        return not self.handed_in(section) and len(self.missing(section)) == 1


@dataclass(frozen=True)
class ExerciseSummary:
    """How a class did on one exercise; `mistakes` are its most frequent misconceptions and how many share each."""

    exercise: str
    graded: int
    missing: int
    passed: int
    mistakes: list[tuple[Diagnosis, int]]

    @property
    def is_untouched(self) -> bool:
        return self.missing == self.graded

    @property
    def percent(self) -> int:
        return round(100 * self.passed / self.graded)


def render_report(
    results: list[SectionResult],
    sections: dict[str, str],
    awaiting: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The pages of a class by relative path.

    `sections` are the course's titles in order, `awaiting` what a person has yet to judge in each, `names` the titles
    of its exercises by id; without them an exercise is called by its id.
    """
    titles = sections | {result.section: result.section for result in results if result.section not in sections}
    present = {result.section for result in results}
    titles = {name: title for name, title in titles.items() if name in present}
    students = _students(results)
    levels = sorted({result.sandbox for result in results})
    common: dict[str, Any] = {"titles": titles, "awaiting": awaiting, "names": names or {}, "levels": levels}
    index = _page(
        "index", students=students, columns=_columns(results, titles), exercises=_summaries(results, titles), **common
    )
    return {"index.html": index} | {student.path: _page("student", student=student, **common) for student in students}


def render_check(
    results: list[ExerciseResult],
    sections: Mapping[str, str],
    names: Mapping[str, str],
    *,
    hidden_left: Mapping[str, int] | None = None,
) -> str:
    """One page of one's own check.

    `sections` and `names` are the course's titles of sections and, by id, of exercises; `hidden_left` says how many
    more checks grading has for an exercise.
    """
    by_section: dict[str, list[ExerciseResult]] = {}
    for result in results:
        by_section.setdefault(result.exercise.partition("/")[0], []).append(result)
    titles = {section: sections.get(section, section) for section in by_section}
    return _page(
        "check", exercises=results, by_section=by_section, titles=titles, names=names, hidden_left=hidden_left or {}
    )


def render_exercise(result: ExerciseResult, *, name: str = "", hidden_left: int = 0) -> str:
    """One exercise for its student, as a part of somebody else's page: a notebook's output, say.

    `name` is its title in the course.
    """
    names = {result.exercise: name} if name else {}
    return _page("fragment", exercise=result, names=names, hidden_left=hidden_left, is_part=True)


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
    missing, passed = (sum(result.status == status for result in graded) for status in ("missing", "passed"))
    mistakes = Counter(result.misconception for result in graded if result.misconception)
    return ExerciseSummary(exercise, len(graded), missing, passed, mistakes.most_common(COMMON_MISTAKES))


def _reason(exercise: ExerciseResult) -> str:
    message = exercise.properties[0].message if exercise.properties else ""
    return "" if message.startswith(NO_FILE) else message


def _page(template: str, *, is_part: bool = False, **content: Any) -> str:
    return _environment().get_template(f"{template}.html.jinja").render(content, is_part=is_part)


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
    environment.filters.update(points=number, spoken=spoken, block=_block, marks=marks, titled=_titled, anchor=_anchor)
    environment.filters.update(views=views, shade=_shade, charts=charts.charts, translated=translated)
    environment.globals.update(style=Markup(style), style_hash=f"sha256-{digest}", unprotected=UNPROTECTED)  # noqa: S704
    environment.globals.update(pairs=pairs, plot=charts, say=say, page_language=lambda: LANGUAGES[spoken_language()])
    return environment


@pass_context
def _titled(context: Context, exercise: ExerciseResult | ExerciseSummary) -> str:
    """The exercise's title in the course, or its id in words."""
    name: str | None = context["names"].get(exercise.exercise)
    return translated(name) if name else spoken(exercise.exercise)


def _anchor(exercise: str) -> str:
    """The place of an exercise on its page."""
    return re.sub(r"[^a-z0-9]+", "-", exercise.lower()).strip("-")


def _block(text: str) -> Markup:
    """Text that keeps its lines."""
    return escape(visible(text, lines=True))


def _shade(cell: Cell, weights: bool) -> str:
    """A cell's classes: its kind and level, and whether it differs."""
    if cell.level is None:
        shade = "odd"
    else:
        shade = f"w{cell.level}" if weights else f"{'n' if cell.level < 0 else 'p'}{abs(cell.level)}"
    return f"{shade} off" if cell.differs else shade
