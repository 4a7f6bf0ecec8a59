"""Results as text: what a student sees of an exercise, the instructor of a class, the author of an audit.

Nothing here prints; each function returns what `rich` can render. Text from outside never passes as markup, and no
escape sequence in it survives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import groupby
from typing import Any, Protocol

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headcheck.matrices import View, pairs, views
from headcheck.results import Counterexample, ExerciseResult, PropertyResult, SectionResult
from headcheck.text import UNPROTECTED, marks, number, visible

MAX_PRINTED = 2_000

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


def exercise_view(result: ExerciseResult, *, hidden_left: int, everything: bool = False) -> RenderableType:
    """An exercise for its student: the mistake by name, then the first check that fails, or all with `everything`."""
    wrong = [prop for prop in result.properties if prop.outcome not in ("passed", "skipped")]
    parts: list[RenderableType] = [_title(result)]
    if result.misconception:
        parts.append(_indented(_prose(result.misconception.message, "bold yellow"), above=1))
    parts += [property_view(prop) for prop in (wrong if everything else wrong[:1])]
    if everything:
        parts += [_line(prop) for prop in result.properties if prop not in wrong]
    if result.printed:
        printed = visible(result.printed.rstrip(), lines=True, limit=MAX_PRINTED)
        parts += [_indented(Text("Your code printed:", "dim"), above=1), _indented(Text(printed), by=4)]
    if result.notes:
        parts += [_indented(Text("To note:", "dim"), above=1), *(_indented(_text(note), by=4) for note in result.notes)]
    parts.append(_indented(_what_is_left(result, len(wrong), hidden_left, everything=everything), above=1))
    return Group(*parts)


def property_view(prop: PropertyResult) -> RenderableType:
    """One check in full: how it ended, what was seen on which input, and the hint."""
    parts: list[RenderableType] = [_line(prop)]
    if prop.message:
        parts.append(_indented(_prose(prop.message), by=4, above=1))
    if prop.counterexample:
        parts.append(_indented(_counterexample(prop.counterexample), by=4))
    if prop.hint:
        parts.append(_indented(_prose(prop.hint, "cyan", before="Hint: "), by=4, above=1))
    return Padding(Group(*parts), (1, 0, 0, 0))


def class_table(results: list[SectionResult], awaiting: Mapping[str, str]) -> RenderableType:
    """A class: one row a student, one column a section, the totals, and what in each section is `awaiting` a person."""
    sections = list(dict.fromkeys(result.section for result in results))
    found = {(result.student, result.section): result for result in results}
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("student", overflow="fold")
    for section in [*map(visible, sections), "total"]:
        table.add_column(Text(section), justify="right")
    for student in sorted({result.student for result in results}):
        own = [found.get((student, section)) for section in sections]
        total = sum(result.points for result in own if result)
        table.add_row(_text(student), *map(_section, own), Text(number(total), "bold"))
    students = len({result.student for result in results})
    parts: list[RenderableType] = [table, Text(f"\n{_count(students, 'student')}", "dim")]
    unjudged = [f"{awaiting[section]} in {visible(section)}" for section in sections if section in awaiting]
    if unjudged:
        parts.append(Text(f"Awaiting a person, and not in the points: {'; '.join(unjudged)}", "dim"))
    if any(result.sandbox == "process" for result in results):
        parts.append(Text(UNPROTECTED, "bold yellow"))
    return Group(*parts)


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
    findings = [_indented(_prose(finding, "red", before="finding: ")) for finding in audit.findings]
    verdict = findings or [_indented(Text("no findings", "green"))]
    key = Text(". passed  x failed  s skipped  t timeout  c crashed  B broken  - not run", "dim")
    tables = [_indented(part, above=1) for part in (legend, key, matrix, Text())]
    return Group(_text(audit.exercise.id, "bold"), *tables, *verdict)


def _title(result: ExerciseResult) -> Text:
    style = _STYLE.get(result.status, "red")
    score = f"{number(result.points)} of {number(result.max_points)} points"
    return Text.assemble((visible(result.exercise), "bold"), "  ", (result.status, style), "  ", (score, "dim"))


def _line(prop: PropertyResult) -> RenderableType:
    """One check in one line: how it ended, what it claims, what it is worth."""
    beyond = "  beyond the book" if prop.group == "robust" else ""
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_row(
        Text(prop.outcome, _STYLE.get(prop.outcome, "red")),
        _text(prop.sentence or prop.name, "" if prop.outcome in _STYLE else "bold"),
        Text(f"{number(prop.points)}/{number(prop.max_points)}{beyond}", "dim", no_wrap=True),
    )
    return _indented(line)


def _counterexample(example: Counterexample) -> RenderableType:
    parts = [_value(view) for view in views(example.inputs)]
    marked = False
    for pair in pairs(example.got, example.wanted):
        sides = [_value(view, side) for side, view in (("got", pair.got), ("wanted", pair.wanted)) if view]
        parts.append(Columns(sides, padding=(0, 4)))
        marked |= pair.got is not None and pair.got.differs
    if marked:
        parts.append(Text("* differs", "dim"))
    return Group(*(Padding(part, (1, 0, 0, 0)) for part in parts))


def _value(view: View, side: str = "") -> RenderableType:
    """A value under its name: one line when it is no small tensor."""
    style = {"got": "red", "wanted": "green"}.get(side, "")
    head = Text.assemble((f"{side} " if side else "", f"bold {style}"), (visible(view.name), "bold"))
    if view.kind:
        head.append(f"  {visible(view.kind)}", "dim")
    rows = _rows(view, style)
    if view.text:
        head.append(f"  {visible(view.text)}")
    elif len(rows) == 1:
        head.append("  ").append_text(rows.pop())
    left = [Text(f"and {view.left_out:,} more", "dim")] if view.left_out else []
    return Group(head, *rows, *left)


def _rows(view: View, style: str) -> list[Text]:
    """The rows of all matrices in brackets, columns aligned, a star before what differs."""
    rows = [row for matrix in view.matrices for row in matrix.rows]
    widths = [max(len(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for matrix in view.matrices:
        for place, row in enumerate(matrix.rows):
            label = f"{matrix.label} " if matrix.label else ""
            line = Text((" " * len(label) if place else label) + "[", "dim")
            for cell, width in zip(row, widths, strict=True):
                entry = ("*" if cell.differs else "") + cell.text
                line.append(entry.rjust(width + 2), f"not dim bold {style}" if cell.differs else "not dim")
            lines.append(line.append(" ]"))
    return lines


def _what_is_left(result: ExerciseResult, wrong: int, hidden_left: int, *, everything: bool) -> Text:
    """How many checks stand how, shown or not."""
    outcomes = [prop.outcome for prop in result.properties]
    said = [f"{outcomes.count('passed')} of {_count(len(outcomes), 'check')} passed"]
    if wrong > 1 and not everything:
        said.append(f"{wrong} did not, of which this is the first")
    if "skipped" in outcomes:
        said.append(f"{outcomes.count('skipped')} skipped for now")
    if hidden_left:
        said.append(f"{_count(hidden_left, 'hidden check')} {'remains' if hidden_left == 1 else 'remain'} for grading")
    return Text("; ".join(said) + ".", "dim")


def _section(result: SectionResult | None) -> Text:
    if result is None:
        return Text("-", "dim")
    text = Text(f"{number(result.points)}/{number(result.max_points)}")
    for mark in marks(result):
        text.append(f"  {mark}", "yellow")
    return text


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


def _prose(text: str, style: str = "", *, before: str = "") -> Text:
    """A message, which may have lines."""
    return Text(before + visible(text, lines=True), style)


def _indented(content: RenderableType, *, by: int = 2, above: int = 0) -> RenderableType:
    return Padding(content, (above, 0, 0, by))


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
