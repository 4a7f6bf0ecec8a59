"""Results as pages: a class and each of its exercises and students, and one's own check; whole, without any script.

Everything that a page says goes through `headcheck.language`, the page's own words as `say("...")` in its template.
What came from a submission is escaped twice over: `visible` takes out what hides or moves text, Jinja what is markup.
Both happen to every value that a template writes, without the template asking for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from headcheck import charts
from headcheck.classroom import SMALLEST, Classroom, ExerciseSummary, Mistake, Trouble, classroom, in_order
from headcheck.language import LANGUAGES, say, spoken_language, translated
from headcheck.matrices import Cell, pairs, views
from headcheck.outlines import PIECE
from headcheck.results import ExerciseResult, PropertyResult, SectionResult, Status
from headcheck.similarity import LeftOut, Pair, Silence, Similarities
from headcheck.text import UNPROTECTED, marks, number, slug, spoken, visible

COMMON_MISTAKES = 8
SHOWN = 12
"""As many students are listed where they belong; of more it is said how many, and their list unfolds."""

BLOCK = 50
"""Students in a table of the matrix: a browser lays out only those tables that are in sight."""

OVERVIEW, SIMILAR = "index.html", "similar.html"

_STEM = 60
_PLAIN_ID = re.compile(rf"[a-z0-9_]{{1,{_STEM}}}/[a-z0-9_]{{1,{_STEM}}}")


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
        """The others, by what there is to say of them: nothing of those that are simply not there."""
        found: dict[str, list[ExerciseResult]] = {}
        for exercise in self.sections[section].exercises:
            if exercise.status == "missing":
                found.setdefault(_reason(exercise), []).append(exercise)
        return found

    def is_untouched(self, section: str) -> bool:
        """Whether nothing of a section was handed in, for one reason."""
        return not self.handed_in(section) and len(self.missing(section)) == 1


@dataclass(frozen=True)
class MatrixCell:
    """An exercise of a student: its place on their page, its status, and its points in per cent.

    Its shade is the darker the more points it lacks.
    """

    anchor: str
    status: Status
    shade: str
    text: str


@dataclass(frozen=True)
class MatrixRow:
    """A student, the place of their page, their total in per cent, and their exercises; None was not graded."""

    student: str
    path: str
    total: str
    cells: list[MatrixCell | None]


def report_pages(
    results: list[SectionResult],
    sections: dict[str, str],
    awaiting: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
    similar: bool = False,
) -> dict[str, Callable[[], str]]:
    """The pages of a class by relative path, and what renders each.

    `sections` are the course's titles in order, `awaiting` what a person has yet to judge in each, `names` the titles
    of its exercises by id; without them an exercise is called by its id. `similar`: the page of pairs lies beside.
    """
    titles = sections | {result.section: result.section for result in results if result.section not in sections}
    present = {result.section for result in results}
    titles = {name: title for name, title in titles.items() if name in present}
    students = _students(results)
    levels = sorted({result.sandbox for result in results})
    room = classroom(results, titles)
    common: dict[str, Any] = {"titles": titles, "awaiting": awaiting, "names": names or {}, "levels": levels}
    common |= {"room": room, "paths": {student.name: student.path for student in students}}
    common |= {"similar": similar}
    pages: dict[str, Callable[[], str]] = {
        OVERVIEW: partial(_page, "index", students=students, columns=_columns(results, titles), up="", **common),
        "matrix.html": partial(_page, "class_matrix", up="", **common),
    }
    for one in room.exercises:
        pages[_exercise_path(one)] = partial(_page, "class_exercise", one=one, up="../", **common)
    return pages | {student.path: partial(_page, "student", student=student, **common) for student in students}


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


def render_similar(found: Similarities, names: Mapping[str, str], *, overview: bool = False) -> str:
    """The page of pairs that are alike; `names` are the titles of exercises by id. `overview`: that page is there."""
    return _page("similar", found=found, names=names, overview=overview)


def _students(results: list[SectionResult]) -> list[StudentPage]:
    found: dict[str, dict[str, SectionResult]] = {}
    for result in results:
        found.setdefault(result.student, {})[result.section] = result
    names = in_order(found)
    paths = [f"students/{place}-{slug(name)}.html" for place, name in enumerate(names, start=1)]
    return [StudentPage(name, path, found[name]) for name, path in zip(names, paths, strict=True)]


def _columns(results: list[SectionResult], titles: dict[str, str]) -> dict[str, float]:
    """What each section is worth."""
    return {name: max(result.max_points for result in results if result.section == name) for name in titles}


def _exercise_path(one: ExerciseSummary | Mistake | Trouble) -> str:
    return f"exercises/{_anchor(one.exercise)}.html"


def _reason(exercise: ExerciseResult) -> str:
    """Why what was handed in does not count, or where it may be; grading notes nothing where there is nothing."""
    return exercise.properties[0].message if exercise.notes and exercise.properties else ""


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
    environment.globals.update(style=_style("report.css"), class_style=_style("report.css", "class.css"))
    environment.globals.update(similar_style=_style("report.css", "class.css", "similar.css"), piece=PIECE)
    environment.filters.update(points=number, spoken=spoken, block=_block, marks=marks, titled=_titled, anchor=_anchor)
    environment.filters.update(views=views, shade=_shade, charts=charts.charts, translated=translated)
    environment.filters.update(page=_exercise_path, rows=_rows, index=_index, sorted_out=_sorted_out)
    environment.globals.update(pairs=pairs, plot=charts, say=say, page_language=lambda: LANGUAGES[spoken_language()])
    environment.globals.update(unprotected=UNPROTECTED, shown=SHOWN, common_mistakes=COMMON_MISTAKES)
    environment.globals.update(smallest=SMALLEST, block_rows=BLOCK)
    return environment


@dataclass(frozen=True)
class Style:
    """A page's style, and the hash by which its policy lets it through."""

    text: Markup
    digest: str


def _style(*names: str) -> Style:
    text = "".join(files("headcheck").joinpath("templates", name).read_text(encoding="utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Style(Markup(text), f"sha256-{digest}")  # noqa: S704


@pass_context
def _titled(
    context: Context, exercise: ExerciseResult | ExerciseSummary | Mistake | Trouble | Pair | Silence | LeftOut
) -> str:
    """The exercise's title in the course, or its id in words."""
    name: str | None = context["names"].get(exercise.exercise)
    return translated(name) if name else spoken(exercise.exercise)


def _anchor(exercise: str) -> str:
    """The name of an exercise's page, and its place on others: no other id has it, whatever a file system ignores."""
    if _PLAIN_ID.fullmatch(exercise):
        return exercise.replace("/", "-")
    stem = re.sub(r"[^a-z0-9]+", "-", exercise.lower()).strip("-")[:_STEM]
    return f"{stem}--{hashlib.sha256(exercise.encode()).hexdigest()[:16]}"


def _sorted_out(exercise: ExerciseResult) -> tuple[list[PropertyResult], list[PropertyResult], list[PropertyResult]]:
    """The checks that are wrong, those that pass, and those that were not run."""
    by_outcome: dict[str, list[PropertyResult]] = {"wrong": [], "passed": [], "skipped": []}
    for one in exercise.properties:
        by_outcome.get(one.outcome, by_outcome["wrong"]).append(one)
    return by_outcome["wrong"], by_outcome["passed"], by_outcome["skipped"]


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


def _rows(room: Classroom, paths: Mapping[str, str]) -> Iterator[MatrixRow]:
    anchors = {one.exercise: _anchor(one.exercise) for one in room.exercises}
    for name, total in room.totals.items():
        cells = [_cell(anchors[one.exercise], one.results.get(name)) for one in room.exercises]
        yield MatrixRow(name, paths[name], _percent(total, room.most), cells)


def _cell(anchor: str, result: ExerciseResult | None) -> MatrixCell | None:
    if result is None:
        return None
    lacking = 1 - result.points / result.max_points if result.max_points else 0.0
    return MatrixCell(anchor, result.status, f"n{round(5 * lacking)}", _percent(result.points, result.max_points))


def _percent(part: float, whole: float) -> str:
    """Points in per cent, rounded down: 100 is all of them."""
    return str(int(100 * part / whole + 1e-9)) if whole else ""


def _index(value: float) -> str:
    """An index of item analysis: two decimals, and no minus before zeros."""
    return f"{round(value, 2) + 0.0:.2f}"
