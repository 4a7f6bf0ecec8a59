"""In a notebook: `%load_ext headcheck`, then `%check scoring/masked_softmax`, or `headcheck.check("...")` alone.

`%check` without a name is about all that was begun here. What comes back is one thing at a time: the first exercise
that is not right, and of it the first check that fails. `%check --all` shows the rest, `%check --hint` one hint more.
The language is that of the kernel's locale, or the last one that was asked for: `%check --lang zh`.

What was run so far is read from the history of inputs, of every function and class the newest version, and checked as
a notebook that was handed in would be: as text, in a worker. No object of the kernel is looked at. The rest of one's
work, other sections say, is read from the course's files. One warm sandbox stays with the kernel for the next check.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import json
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from markupsafe import escape
from rich.console import Group

from headcheck import hints
from headcheck.cells import NBFORMAT, is_blank, sources_of
from headcheck.checking import Checker
from headcheck.course import find_course, read_course
from headcheck.errors import HeadcheckError, NotHandedIn
from headcheck.html import render_exercise
from headcheck.language import ENGLISH, LANGUAGES, say, speaking, spoken_in, translated
from headcheck.progress import first_to_mend
from headcheck.properties import count_hidden, load_hints
from headcheck.submission import Submission, read_directory
from headcheck.terminal import exercise_view, hints_view, plain_text, progress_view, totals_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType

    from headcheck.course import Course
    from headcheck.progress import Standing
    from headcheck.results import ExerciseResult

WIDTH = 100
MAGIC = "check"
EVERYTHING, HINT, LANGUAGE = "--all", "--hint", "--lang"


@dataclass(frozen=True)
class Feedback:
    """How some exercises stand: a page where one can be shown, a text elsewhere.

    All are in `results`; shown in full is the first to mend, or each with `everything`. `hints` are those that were
    asked for, the first ones `of` so many; None when none were asked for. Whenever it is shown, it is so in `language`.
    """

    course: Course
    standings: list[Standing]
    everything: bool = False
    hints: tuple[str, ...] | None = None
    of: int = 0
    language: str = ENGLISH

    @property
    def results(self) -> list[ExerciseResult]:
        return [standing.result for standing in self.standings if standing.result]

    def __repr__(self) -> str:
        with _speaking(self.course, self.language):
            shown = [
                exercise_view(one, hidden_left=self._hidden(one), everything=self.everything) for one in self._shown()
            ]
            return "\n".join(plain_text(view, width=WIDTH) for view in (*shown, *self._beside()))

    def _repr_html_(self) -> str:
        with _speaking(self.course, self.language):
            pages = [
                render_exercise(one, name=self.course.exercise(one.exercise).title, hidden_left=self._hidden(one))
                for one in self._shown()
            ]
            beside = [f"<pre>{escape(plain_text(view, width=WIDTH))}</pre>" for view in self._beside()]
            return "".join([*pages, *beside])

    def _shown(self) -> list[ExerciseResult]:
        first = first_to_mend(self.standings)
        if self.everything or len(self.standings) == 1:
            return self.results
        return [first.result] if first and first.result else []

    def _beside(self) -> list[RenderableType]:
        """The further hints, and how the other exercises stand."""
        views = [] if self.hints is None else [hints_view(self.hints, self.of)]
        if len(self.standings) > 1:
            sections = self.course.sections
            progress = progress_view(self.standings, sections, everything=self.everything)
            views.append(Group(progress, "", totals_view(self.standings)))
        return views

    def _hidden(self, result: ExerciseResult) -> int:
        return count_hidden(self.course, self.course.exercise(result.exercise))


@dataclass(frozen=True)
class History:
    """What was run, oldest first, without what was run again in a newer version; and the names that it defines."""

    cells: list[str]
    defines: set[str]

    def notebook(self) -> bytes:
        """As a notebook, whose cells have no ids: they are told apart by what they define."""
        cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} for text in self.cells]
        return json.dumps({"nbformat": NBFORMAT, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


class Kernel:
    """Checks what was run in a kernel; holds a sandbox for the next time, and the language."""

    def __init__(self, course: Course, language: str) -> None:
        self.language = language
        self._course = course
        self._checker = Checker(course)
        atexit.register(self.close)

    def check(self, name: str | None, history: History, *, everything: bool = False, hint: bool = False) -> Feedback:
        """Check an exercise, or those that were begun of a section, or of all."""
        with _speaking(self._course, self.language):
            return self._check(name, history, everything=everything, hint=hint)

    def close(self) -> None:
        """End the sandbox, if there is one."""
        self._checker.close()

    def _check(self, name: str | None, history: History, *, everything: bool, hint: bool) -> Feedback:
        wanted = self._course.select(name)
        begun = [exercise for exercise in wanted if history.defines & set(exercise.written_names())]
        if not begun:
            asked = ", ".join(name for exercise in wanted for name in exercise.written_names())
            if len(wanted) > 1:
                raise UsageError(say("nothing to check yet: run the cell of an exercise, then check again"))
            raise UsageError(
                say("nothing to check yet: run the cell that defines {asked}, then check again", asked=asked)
            )
        submission = self._submission(list(dict.fromkeys(exercise.section for exercise in begun)), history)
        standings = [self._checker.check(submission, exercise, everything=everything) for exercise in begun]
        for standing in standings:
            if standing.state == "passed":
                hints.forget(self._course.root, standing.exercise.id)
        first = first_to_mend(standings)
        if not (hint and first):
            return Feedback(self._course, standings, everything, language=self.language)
        available = load_hints(self._course, first.exercise)
        further = hints.further(self._course.root, first.exercise.id, available)
        return Feedback(self._course, standings, everything, further, len(available), self.language)

    def _submission(self, sections: list[str], history: History) -> Submission:
        """One's saved work, but of these sections what was run, as far as that goes."""
        work = read_directory(self._course.root / "assignments", self._course)
        files = dict(work.files)
        for section in sections:
            saved = self._saved(work.notebooks[section], section) if section in work.notebooks else {}
            for exercise in self._course.select(section):
                if history.defines & set(exercise.written_names()):
                    files.pop(exercise.id, None)
                elif exercise.module in saved and is_blank(files.get(exercise.id, b"")):
                    files[exercise.id] = saved[exercise.module]
        return Submission(work.student, files, notebooks=work.notebooks | dict.fromkeys(sections, history.notebook()))

    def _saved(self, notebook: bytes, section: str) -> dict[str, bytes]:
        stubs = self._course.stubs(section)
        try:
            return sources_of(notebook, stubs, stubs, name=section).sources
        except NotHandedIn:  # it was never saved, or by something else than Jupyter
            return {}


def check(
    name: str | None = None, *, everything: bool = False, hint: bool = False, lang: str | None = None
) -> Feedback:
    """Check `section/slug`, or what was begun of a section or of all, as it was run here; show what comes back."""
    shell = get_ipython()
    if shell is None or shell.history_manager is None:
        raise HeadcheckError("this checks what was run in a notebook; elsewhere use the command: headcheck check")
    history = newest(shell.history_manager.input_hist_raw, shell.input_transformer_manager.transform_cell)
    with speaking(_language(lang)):
        try:
            kernel = _kernel(find_course(Path.cwd()).root)
            kernel.language = lang or kernel.language
            return kernel.check(name, history, everything=everything, hint=hint)
        except HeadcheckError as error:
            raise UsageError(translated(str(error))) from error  # which IPython shows without a traceback


def _language(asked: str | None) -> str:
    """That which is asked for, or else that of the locale."""
    here = spoken_in(os.environ)
    if asked is not None and asked not in LANGUAGES:
        with speaking(here):
            raise UsageError(
                say("nobody here speaks {language}: choose one of {names}", language=asked, names=", ".join(LANGUAGES))
            )
    return asked or here


def _speaking(course: Course, language: str) -> contextlib.AbstractContextManager[None]:
    """Say what the course says in the language, too."""
    return speaking(language, course.catalogues(list(course.exercises), language))


def _check_line(line: str) -> Feedback:
    """What `%check` is followed by: a name, `--all`, `--hint`, `--lang zh`, in any order."""
    before, asked, after = line.partition(LANGUAGE)
    lang, *others = after.split() or [""]
    words = [*before.split(), *others]
    names = [word for word in words if word not in (EVERYTHING, HINT)]
    if len(names) > 1 or any(name.startswith("-") for name in names) or bool(asked) != bool(lang):
        with speaking(spoken_in(os.environ)):
            raise UsageError(say("say %check, %check SECTION or %check SECTION/SLUG, with --all, --hint or --lang zh"))
    return check(*names, everything=EVERYTHING in words, hint=HINT in words, lang=lang or None)


def load(shell: Any) -> None:
    """Give a notebook its `%check`, and let it import what the course hands out and one's own earlier files."""
    shell.register_magic_function(_check_line, "line", MAGIC)
    with contextlib.suppress(HeadcheckError):  # there is no course here, as `%check` will say
        assignments = str(find_course(Path.cwd()).root / "assignments")
        if assignments not in sys.path:
            sys.path.insert(0, assignments)


@cache
def _kernel(root: Path) -> Kernel:
    return Kernel(read_course(root), spoken_in(os.environ))


def newest(inputs: Iterable[str], plain: Callable[[str], str]) -> History:
    """Of each function and class the input that defined it last; `plain` makes Python of magics."""
    cells: list[str] = []
    defines: set[str] = set()
    for text in reversed(list(inputs)):
        try:
            body = ast.parse(plain(text)).body
        except (SyntaxError, ValueError):
            continue  # it did not run either
        named = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        if not named or named - defines:
            cells.append(_CALL.sub("pass", text))
            defines |= named
    return History(cells[::-1], defines)


_CALL = re.compile(r"^(headcheck\.)?check\(.*\)$", re.MULTILINE)  # in a worker there is nothing to check
