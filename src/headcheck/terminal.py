"""Results as text: what a student sees of an exercise, the instructor of a class, the author of an audit.

Nothing here prints; each function returns what `rich` can render. Text from outside never passes as markup, and no
escape sequence in it survives. Everything is said in the language of `headcheck.language`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headcheck.language import say, translated
from headcheck.matrices import Cell, Matrix, View, pairs, views
from headcheck.progress import Standing
from headcheck.results import Counterexample, ExerciseResult, PropertyResult, SectionResult
from headcheck.text import UNPROTECTED, marks, number, visible

if TYPE_CHECKING:
    from headcheck.course import Exercise
    from headcheck.differences import Differences, StudentChange, WorthChange
    from headcheck.properties import Property
    from headcheck.similarity import Similarities

MAX_PRINTED = 2_000
MAX_PAIRS = 10

_STYLE = {"passed": "green", "skipped": "dim", "broken": "bold yellow"}
_CELL = {"passed": ".", "failed": "x", "skipped": "s", "broken": "B", "timeout": "t", "crashed": "c", "missing": "m"}
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Row(Protocol):
    """What an audit says of one solution (`headcheck.audit.Row`)."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def points(self) -> float: ...
    @property
    def results(self) -> Sequence[PropertyResult]: ...


class _Audit(Protocol):
    """The kill matrix of an exercise (`headcheck.audit.ExerciseAudit`), which lies above this module."""

    @property
    def exercise(self) -> Any: ...
    @property
    def properties(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[_Row]: ...
    @property
    def findings(self) -> Sequence[str]: ...


def exercise_view(
    result: ExerciseResult, *, hidden_left: int, everything: bool = False, hints: Sequence[str] = (), of: int = 0
) -> RenderableType:
    """An exercise for its student: the mistake by name, then the first check that fails, or all with `everything`.

    `hints` are those beyond the check's own that the student has asked for, the first ones `of` so many.
    """
    wrong = [prop for prop in result.properties if prop.outcome not in ("passed", "skipped")]
    parts: list[RenderableType] = [_title(result)]
    if result.misconception:
        parts.append(_indented(_prose(translated(result.misconception.message), "bold yellow"), above=1))
    if result.first_wrong_step:
        parts.append(_indented(_prose(translated(result.first_wrong_step)), above=1))
    parts += [property_view(prop) for prop in (wrong if everything else wrong[:1])]
    if everything:
        parts.append(_indented(_lines([prop for prop in result.properties if prop not in wrong])))
    if hints:
        parts.append(_indented(hints_view(hints, of), by=2, above=1))
    if result.printed:
        printed = visible(result.printed.rstrip(), lines=True, limit=MAX_PRINTED)
        parts += [_indented(Text(say("Your code printed:"), "dim"), above=1), _indented(Text(printed), by=4)]
    if result.notes:
        notes = (_indented(_text(translated(note)), by=4) for note in result.notes)
        parts += [_indented(Text(say("To note:"), "dim"), above=1), *notes]
    parts.append(_indented(_what_is_left(result, len(wrong), hidden_left, everything=everything), above=1))
    return Group(*parts)


def property_view(prop: PropertyResult) -> RenderableType:
    """One check in full: how it ended, what was seen on which input, a line that shows it again, and the hint."""
    parts: list[RenderableType] = [_indented(_lines([prop]))]
    if prop.message:
        parts.append(_indented(_prose(translated(prop.message)), by=4, above=1))
    if prop.counterexample:
        parts.append(_indented(_counterexample(prop.counterexample), by=4))
        if prop.counterexample.reproduce:
            again = Text(say("To see it yourself, beside your own code"), "dim")
            parts += [_indented(again, by=4, above=1), _Code(prop.counterexample.reproduce)]
    if prop.hint:
        parts.append(_indented(_hint(say("Hint: "), prop.hint), by=4, above=1))
    return Padding(Group(*parts), (1, 0, 0, 0))


def hints_view(hints: Sequence[str], of: int) -> RenderableType:
    """The hints that somebody has asked for so far, the first ones of so many."""
    if not hints:
        return Text(say("There are no further hints for this exercise."), "dim")
    numbered = enumerate(hints, start=1)
    parts = [_hint(say("Hint {number} of {count}: ", number=place, count=of), hint) for place, hint in numbered]
    return Group(*(Padding(part, (place > 0, 0, 0, 0)) for place, part in enumerate(parts)))


def blank_view(exercise: Exercise, file: str, properties: Sequence[Property]) -> RenderableType:
    """An exercise that was not begun: where it is written, and what the first of its checks will ask."""
    maximum = sum(prop.worth.points for prop in properties) * exercise.weight
    score = say("{points} of {most} points", points="0", most=number(maximum))
    parts: list[RenderableType] = [
        Text.assemble((visible(exercise.id), "bold"), "  ", say("not begun"), "  ", (score, "dim")),
        _indented(_text(translated(exercise.title)), above=1),
        _indented(_prose(say("Open {file}: its text says what to write.", file=file)), above=1),
    ]
    if properties:
        first = properties[0]
        asked = say("The first of its checks: {sentence}", sentence=first.sentence)
        if len(properties) == 1:
            asked = say("Its check: {sentence}", sentence=first.sentence)
        parts += [_indented(_prose(asked), above=1), _indented(_hint(say("Hint: "), first.worth.hint), above=1)]
    return Group(*parts)


def progress_view(standings: Sequence[Standing], sections: Mapping[str, str], *, everything: bool) -> RenderableType:
    """How far each exercise is, a line each by section; a section that was not begun is one, but with `everything`."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for section, of_section in groupby(standings, key=lambda standing: standing.exercise.section):
        own = list(of_section)
        passed = sum(standing.state == "passed" for standing in own)
        begun = any(standing.result for standing in own)
        title = _text(translated(sections[section]), "bold" if begun else "dim")
        count = say("{passed} of {count}", passed=passed, count=len(own))
        table.add_row(title, "" if begun else Text(say("not begun"), "dim"), Text(count, "dim"))
        for standing in own if begun or everything else ():
            name = Padding(_text(standing.exercise.slug), (0, 0, 0, 2))
            points = f"{number(standing.result.points)}/{number(standing.result.max_points)}" if standing.result else ""
            table.add_row(name, _state(standing), Text(points, "dim"))
    return table


def totals_view(standings: Sequence[Standing]) -> RenderableType:
    """How many exercises pass, are in work, and were not begun."""
    states = [standing.state for standing in standings]
    passed, begun, left = (states.count(state) for state in ("passed", "in work", "not begun"))
    said = [
        say("{passed} of {count} exercises pass.", passed=passed, count=len(states))
        if len(states) > 1
        else say("{passed} of 1 exercise passes.", passed=passed)
    ]
    if begun:
        said.append(say("{count} in work.", count=begun))
    if left:
        said.append(say("{count} not begun.", count=left))
    if begun or passed:
        points = sum(standing.result.points for standing in standings if standing.result)
        said.append(say("1 point so far.") if points == 1 else say("{points} points so far.", points=number(points)))
    return Text(" ".join(said), "bold")


def builds_on_view(standings: Sequence[Standing]) -> RenderableType:
    """What an exercise is built on, and the first of it that is not right, which may be the cause of all."""
    names = ", ".join(standing.exercise.id for standing in standings)
    wrong = next((standing for standing in standings if standing.state != "passed"), None)
    if wrong is None:
        passing = say("It builds on {names}, which passes.", names=names)
        if len(standings) > 1:
            passing = say("It builds on {names}, which pass.", names=names)
        return _indented(_text(passing, "dim"))
    if wrong.result is None:
        return _indented(
            _text(say("It builds on {name}, which is not begun: start there.", name=wrong.exercise.id), "bold yellow")
        )
    return _indented(
        _text(say("It builds on {name}, which does not pass: look there first.", name=wrong.exercise.id), "bold yellow")
    )


def class_table(results: list[SectionResult], awaiting: Mapping[str, str]) -> RenderableType:
    """A class: one row a student, one column a section, the totals, and what in each section is `awaiting` a person.

    Where it is narrow, titles are cut and marks stand above the points, which are always whole.
    """
    sections = list(dict.fromkeys(result.section for result in results))
    found = {(result.student, result.section): result for result in results}
    table = _table(gap=2)
    table.add_column(say("student"), no_wrap=True, vertical="bottom")
    for section in map(visible, sections):
        title = Text(section, no_wrap=True, overflow="ellipsis")
        table.add_column(title, justify="right", overflow="fold", vertical="bottom")
    table.add_column(say("total"), no_wrap=True, justify="right", vertical="bottom")
    most = [max(result.max_points for result in results if result.section == section) for section in sections]
    table.add_row(Text(say("at most")), *map(number, most), number(sum(most)), style="dim")
    for student in sorted({result.student for result in results}):
        own = [found.get((student, section)) for section in sections]
        total = sum(result.points for result in own if result)
        name = Text(visible(student), no_wrap=False, overflow="fold")
        table.add_row(name, *map(_section, own), Text(number(total), "bold"))
    counted = _students(len({result.student for result in results}))
    parts: list[RenderableType] = [_Class(table), Padding(Text(counted, "dim"), (1, 0, 0, 0))]
    kinds = dict.fromkeys(kind for result in results for kind in marks(result))
    if kinds:
        parts.append(Text("  ".join(f"{_CELL[kind]} {_outcome(kind)}" for kind in kinds), "dim"))
    unjudged = [
        say("{what} in {section}", what=awaiting[section], section=visible(section))
        for section in sections
        if section in awaiting
    ]
    if unjudged:
        parts.append(Text(say("Awaiting a person, and not in the points: {what}", what="; ".join(unjudged)), "dim"))
    if any(result.sandbox == "process" for result in results):
        parts.append(Text(translated(UNPROTECTED), "bold yellow"))
    return Group(*parts)


def differences_view(found: Differences) -> RenderableType:
    """Who loses points, who gains some, and what else changed: the exercises and checks, and all in numbers."""
    if not found:
        return Text(say("No differences: all points are as they were, and every check ended as before."))
    parts: list[RenderableType] = [_text(_worth(change)) for change in found.worths]
    if found.students:
        table = _table()
        table.add_column(say("student"), overflow="fold")
        table.add_column(say("points"), justify="right", no_wrap=True)
        table.add_column(say("change"), justify="right", no_wrap=True)
        table.add_column(say("what changed"), overflow="fold")
        for student in found.students:
            table.add_row(_text(student.student), *_gained(student), _changed(student))
        parts.append(Padding(table, (bool(parts), 0, 1, 0)))
    said = []
    if losing := found.of("loses"):
        lost = number(-sum(student.gained for student in losing))
        said.append(say("Points lost: {points}, by {who}.", points=lost, who=_students(len(losing))))
    if gaining := found.of("gains"):
        gained = number(sum(student.gained for student in gaining))
        said.append(say("Points gained: {points}, by {who}.", points=gained, who=_students(len(gaining))))
    if others := found.of("other"):
        said.append(say("Changed otherwise: {who}.", who=_students(len(others))))
    said.append(say("Unchanged: {who}.", who=_students(found.unchanged)))
    return Group(*parts, Text(" ".join(said), "bold"))


def similar_view(found: Similarities) -> RenderableType:
    """The first pairs that are alike, in numbers, and how much was compared and could not be."""
    told = {"count": found.compared, "pairs": len(found.pairs) + found.more, "left": len(found.left_out)}
    said = Text(say("{count} submissions compared; pairs that are alike: {pairs}; left out: {left}.", **told), "bold")
    if not found.pairs:
        return said
    table = _table()
    table.add_column(say("exercise"), overflow="fold")
    table.add_column(say("students"), overflow="fold")
    table.add_column(say("shared"), justify="right")
    table.add_column(say("of their own"), justify="right")
    for pair in found.pairs[:MAX_PAIRS]:
        students, own = [side.student for side in pair.sides], [str(side.own) for side in pair.sides]
        table.add_row(_text(pair.exercise), _text(", ".join(students)), str(pair.shared), ", ".join(own))
    fact = Text(say("Facts for a person, who looks at the texts: no verdict, and no points."), "dim")
    return Group(table, Padding(said, (1, 0, 0, 0)), fact)


def plain_text(view: RenderableType, *, width: int) -> str:
    """A view as lines of text, for what shows neither colours nor pages."""
    page = StringIO()
    Console(file=page, width=width, highlight=False, markup=False, force_jupyter=False).print(view)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())


def audit_view(audit: _Audit) -> RenderableType:
    """The kill matrix of an exercise, solutions by kind, and below it what is wrong."""
    letters = {name: _LETTERS[place % len(_LETTERS)] for place, name in enumerate(audit.properties)}
    legend = Table.grid(padding=(0, 2, 0, 0))
    for name, letter in letters.items():
        legend.add_row(Text(letter, "bold"), _text(name))
    matrix = Table.grid(padding=(0, 2, 0, 0))
    matrix.add_row("", Text("".join(letters.values()), "bold"))
    for kind, rows in groupby(audit.rows, key=lambda row: row.kind):
        for place, row in enumerate(rows):
            label = Text("" if place else kind, "dim")
            matrix.add_row(label, _kills(row, audit.properties), Text(number(row.points)), _text(row.name))
    findings = [_indented(_prose(say("finding: {finding}", finding=finding), "red")) for finding in audit.findings]
    verdict = findings or [_indented(Text(say("no findings"), "green"))]
    key = Text(say(". passed  x failed  s skipped  t timeout  c crashed  B broken  - not run"), "dim")
    tables = [_indented(part, above=1) for part in (legend, key, matrix, Text())]
    return Group(_text(audit.exercise.id, "bold"), *tables, *verdict)


def _title(result: ExerciseResult) -> Text:
    style = _STYLE.get(result.status, "red")
    score = say("{points} of {most} points", points=number(result.points), most=number(result.max_points))
    return Text.assemble(
        (visible(result.exercise), "bold"), "  ", (_outcome(result.status), style), "  ", (score, "dim")
    )


def _outcome(outcome: str) -> str:
    """How a check or an exercise ended, in one word."""
    words = {
        "passed": say("passed"),
        "failed": say("failed"),
        "skipped": say("skipped"),
        "timeout": say("timeout"),
        "crashed": say("crashed"),
        "broken": say("broken"),
        "missing": say("missing"),
    }
    return words[outcome]


def _state(standing: Standing) -> Text:
    words = {
        "passed": (say("passed"), "green"),
        "in work": (say("in work"), "yellow"),
        "not begun": (say("not begun"), "dim"),
    }
    return Text(*words[standing.state])


def _lines(properties: Sequence[PropertyResult]) -> RenderableType:
    """Checks in a line each: how it ended, what it claims, what it is worth."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    for prop in properties:
        points = f"{number(prop.points)}/{number(prop.max_points)}"
        worth = say("{points}  beyond the book", points=points) if prop.group == "robust" else points
        lines.add_row(
            Text(_outcome(prop.outcome), _STYLE.get(prop.outcome, "red"), no_wrap=True),
            _text(translated(prop.sentence or prop.name), "" if prop.outcome in _STYLE else "bold"),
            Text(worth, "dim", no_wrap=True),
        )
    return lines


@dataclass(frozen=True)
class _Code:
    """Python that can be copied: a line a statement, not indented, and broken only where Python allows it."""

    source: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for statement in self._statements():
            text = visible(statement)
            if len(text) > options.max_width and statement.startswith("from "):
                text = text.replace(" import ", " import \\\n", 1)
            yield Text(text, "bold", overflow="fold")

    def _statements(self) -> list[str]:
        try:
            body = ast.parse(self.source).body
        except (SyntaxError, ValueError):
            return self.source.splitlines()
        return [ast.get_source_segment(self.source, statement) or "" for statement in body]


def _counterexample(example: Counterexample) -> RenderableType:
    parts: list[RenderableType] = [_Value(view) for view in views(example.inputs)]
    marked = False
    for pair in pairs(example.got, example.wanted):
        sides = [_Value(view, side) for side, view in (("got", pair.got), ("wanted", pair.wanted)) if view]
        parts.append(Columns(sides, padding=(0, 4)))
        marked |= pair.got is not None and pair.got.differs
    if marked:
        parts.append(Text(say("* differs"), "dim"))
    return Group(*(Padding(part, (1, 0, 0, 0)) for part in parts))


@dataclass(frozen=True)
class _Value:
    """A value under its name: one line when it is no small tensor, and a matrix in parts where it is too wide."""

    view: View
    side: str = ""

    @property
    def style(self) -> str:
        return {"got": "red", "wanted": "green"}.get(self.side, "")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        head, *rows = self._head(), *self._rows(0, self._columns)
        lines = [Text("  ").join([head, *rows])] if len(rows) == 1 else [head, *rows]
        widest = min(max(line.cell_len for line in lines), options.max_width)
        return Measurement(widest, widest)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head, width = self._head(), options.max_width
        fit = max((width - self._frame) // max(self._column, 1), 1)
        if self.view.text:
            yield head.append(f"  {visible(translated(self.view.text))}")
        elif self._columns <= fit:
            rows = self._rows(0, self._columns)
            if len(rows) == 1 and head.cell_len + rows[0].cell_len + 2 <= width:
                yield head.append("  ").append_text(rows.pop())
            else:
                yield from [head, *rows]
        else:
            yield head
            for start in range(0, self._columns, fit):
                end = min(start + fit, self._columns)
                yield Text(say("columns {first} to {last}", first=start, last=end - 1), "dim")
                yield from self._rows(start, end)
        if self.view.left_out:
            yield Text(say("and {count} more", count=f"{self.view.left_out:,}"), "dim")

    def _head(self) -> Text:
        name = self.view.name  # of an input: a name in code
        side = {"got": say("got"), "wanted": say("wanted")}.get(self.side, "")
        if side:
            name = "" if name == self.side else translated(name)
        head = Text(" ").join(
            [Text(part, style) for part, style in ((side, f"bold {self.style}"), (visible(name), "bold")) if part]
        )
        if self.view.kind:
            head.append(f"  {visible(self.view.kind)}", "dim")
        if self.view.down:
            head.append(f"  {say('rows: queries, columns: keys')}", "dim")
        return head

    @property
    def _columns(self) -> int:
        return max((len(row) for matrix in self.view.matrices for row in matrix.rows), default=0)

    @property
    def _column(self) -> int:
        """How wide each column is, with a star and a space before it."""
        cells = [cell for matrix in self.view.matrices for row in matrix.rows for cell in row]
        return max((cell_len(cell.text) for cell in cells), default=0) + 2

    @property
    def _frame(self) -> int:
        """How wide a matrix is without its columns."""
        return max((len(self._label(matrix)) for matrix in self.view.matrices), default=0) + len("[ ]")

    def _label(self, matrix: Matrix) -> str:
        return f"{matrix.label} " if matrix.label and not self.view.is_alone else ""

    def _rows(self, start: int, end: int) -> list[Text]:
        """The rows of all matrices in brackets, columns aligned, a star before what differs."""
        shown = [row[start:end] for matrix in self.view.matrices for row in matrix.rows]
        widths = [max(cell_len(cell.text) for cell in column) for column in zip(*shown, strict=True)]
        lines = []
        for matrix in self.view.matrices:
            label = self._label(matrix)
            for place, row in enumerate(matrix.rows):
                line = Text((" " * len(label) if place else label) + "[", "dim", no_wrap=True)
                for cell, width in zip(row[start:end], widths, strict=True):
                    line.append_text(self._cell(cell, width))
                lines.append(line.append(" ]"))
        return lines

    def _cell(self, cell: Cell, width: int) -> Text:
        entry = ("*" if cell.differs else "") + cell.text
        return Text(entry.rjust(width + 2), f"not dim bold {self.style}" if cell.differs else "not dim")


def _what_is_left(result: ExerciseResult, wrong: int, hidden_left: int, *, everything: bool) -> Text:
    """How many checks stand how, shown or not."""
    outcomes = [prop.outcome for prop in result.properties]
    passed, skipped = outcomes.count("passed"), outcomes.count("skipped")
    said = [
        say("{passed} of {count} checks passed.", passed=passed, count=len(outcomes))
        if len(outcomes) != 1
        else say("{passed} of 1 check passed.", passed=passed)
    ]
    if wrong > 1 and not everything:
        said.append(say("{count} did not, of which this is the first.", count=wrong))
    if skipped:
        said.append(say("{count} skipped for now.", count=skipped))
    if hidden_left == 1:
        said.append(say("1 hidden check remains for grading."))
    elif hidden_left:
        said.append(say("{count} hidden checks remain for grading.", count=hidden_left))
    return Text(" ".join(said), "dim")


@dataclass(frozen=True)
class _Class:
    """A table of students, whose names take a sixth of the width at most."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.table.columns[0].max_width = options.max_width // 6
        yield self.table


def _section(result: SectionResult | None) -> Text:
    if result is None:
        return Text("-", "dim")
    statuses = [exercise.status for exercise in result.exercises]
    text = Text()
    for kind in marks(result):
        text.append(f"{statuses.count(kind)}{_CELL[kind]} ", "yellow")
    return text.append(number(result.points))


def _table(*, gap: int = 3) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))


def _students(count: int) -> str:
    return say("1 student") if count == 1 else say("{count} students", count=count)


def _worth(change: WorthChange) -> str:
    told = {"exercise": change.exercise, "before": number(change.before), "after": number(change.after)}
    if change.sentence:
        return say(
            "Points in {exercise}: {after} instead of {before}, for this: {sentence}", **told, sentence=change.sentence
        )
    return say("Points in {exercise}: {after} instead of {before}", **told)


def _gained(student: StudentChange) -> tuple[Text, Text]:
    """A student's points, and what has become of them."""
    if student.before is None or student.after is None:
        new = student.before is None
        points = student.after if new else student.before
        return Text(number(points or 0.0)), Text(say("new") if new else say("gone"), "yellow")
    if not student.gained:
        return Text(number(student.after)), Text("0", "dim")
    style = "green" if student.gained > 0 else "red"
    sign = "+" if student.gained > 0 else ""
    return Text(f"{number(student.before)} → {number(student.after)}"), Text(sign + number(student.gained), style)


def _changed(student: StudentChange) -> RenderableType:
    """The exercises and checks that account for a change; of work that was or is missing, the exercises."""
    if student.before is None or student.after is None:
        return ""
    parts: list[RenderableType] = []
    for change in student.exercises:
        points = dict.fromkeys(number(side.points) for side in (change.before, change.after) if side)
        head = Text.assemble((visible(change.exercise), "bold"), "  ", " → ".join(points), "  ", _ends(*change.ends))
        parts.append(head)
        if change.properties and "missing" not in change.ends:
            lines = Table.grid(padding=(0, 2, 0, 0))
            for one in change.properties:
                lines.add_row(_ends(*one.ends), _text(translated(one.of.sentence or one.of.name)))
            parts.append(_indented(lines))
    return Group(*parts)


def _ends(before: str | None, after: str | None) -> Text:
    """How something ended before and ends now, in words; nothing where that is the same."""
    if after is None:
        return Text(say("gone"), "yellow", no_wrap=True)
    words = [_outcome(before) if before else say("new"), _outcome(after)]
    return Text(" → ".join(words) if before != after else "", _STYLE.get(after, "red"), no_wrap=True)


def _kills(row: _Row, properties: Sequence[str]) -> Text:
    outcomes = {result.name: result.outcome for result in row.results}
    text = Text()
    for name in properties:
        outcome = outcomes.get(name)
        style = {"passed": "dim", "skipped": "dim", None: "dim", "broken": "bold yellow"}.get(outcome, "red")
        text.append(_CELL[outcome] if outcome else "-", style)
    return text


def _text(text: str, style: str = "") -> Text:
    """A name or a sentence: one line."""
    return Text(visible(text), style)


def _prose(text: str, style: str = "") -> Text:
    """A message, which may have lines."""
    return Text(visible(text, lines=True), style)


def _hint(label: str, hint: str) -> Text:
    return Text.assemble((label, "bold cyan"), (visible(translated(hint), lines=True), "cyan"))


def _indented(content: RenderableType, *, by: int = 2, above: int = 0) -> RenderableType:
    return Padding(content, (above, 0, 0, by))
