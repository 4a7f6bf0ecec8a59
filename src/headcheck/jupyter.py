"""In a notebook: `%load_ext headcheck`, then `%check scoring/masked_softmax`, or `headcheck.check("...")` alone.

What was run so far is read from the history of inputs, of every function and class the newest version, and checked as
a notebook that was handed in would be: as text, in a worker. No object of the kernel is looked at. The rest of one's
work, other sections say, is read from the course's files. One warm sandbox stays with the kernel for the next check.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython

from headcheck.cells import NBFORMAT, is_blank, sources_of
from headcheck.course import find_course, read_course
from headcheck.errors import HeadcheckError, NotHandedIn
from headcheck.grading import Exams, Grader
from headcheck.html import render_exercise
from headcheck.properties import count_hidden
from headcheck.sandbox import open_sandbox
from headcheck.submission import Submission, read_directory
from headcheck.terminal import exercise_view, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headcheck.course import Course, Exercise
    from headcheck.results import ExerciseResult
    from headcheck.sandbox import Sandbox

WIDTH = 100
MAGIC = "check"


class Feedback:
    """The results of a check: a page where one can be shown, a text elsewhere."""

    def __init__(self, results: list[ExerciseResult], hidden: dict[str, int]) -> None:
        self.results = results
        self._hidden = hidden

    def __repr__(self) -> str:
        views = (exercise_view(result, hidden_left=self._hidden[result.exercise]) for result in self.results)
        return "\n".join(plain_text(view, width=WIDTH) for view in views)

    def _repr_html_(self) -> str:
        return "".join(render_exercise(result, hidden_left=self._hidden[result.exercise]) for result in self.results)


@dataclass(frozen=True)
class History:
    """What was run, oldest first, without what was run again in a newer version; and the names that it defines."""

    cells: list[str]
    defines: set[str]

    def notebook(self) -> bytes:
        """As a notebook, whose cells have no ids: they are told apart by what they define."""
        cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} for text in self.cells]
        return json.dumps({"nbformat": NBFORMAT, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


class Checker:
    """Checks what was run in a kernel; holds a sandbox for the next time."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._exams = Exams(course, course.seed, public_only=True)
        self._sandbox: Sandbox | None = None
        atexit.register(self.close)

    def check(self, name: str, history: History) -> Feedback:
        """Check an exercise, or those of a section that were begun."""
        wanted = self._course.select(name)
        begun = [exercise for exercise in wanted if history.defines & set(exercise.written_names())]
        if not begun:
            asked = ", ".join(name for exercise in wanted for name in exercise.written_names())
            raise UsageError(f"nothing to check yet: run the cell that defines {asked}, then check again")
        submission = self._submission(begun[0].section, history)
        results = self._grader(begun).check(submission, begun)
        return Feedback(results, {exercise.id: count_hidden(self._course, exercise) for exercise in begun})

    def close(self) -> None:
        """End the sandbox, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def _submission(self, section: str, history: History) -> Submission:
        """One's saved work, but of this section what was run, as far as that goes."""
        work = read_directory(self._course.root / "assignments", self._course)
        files, exercises = dict(work.files), self._course.select(section)
        saved = self._saved(work.notebooks[section], section) if section in work.notebooks else {}
        for exercise in exercises:
            if history.defines & set(exercise.written_names()):
                files.pop(exercise.id, None)
            elif exercise.module in saved and is_blank(files.get(exercise.id, b"")):
                files[exercise.id] = saved[exercise.module]
        return Submission(work.student, files, notebooks=work.notebooks | {section: history.notebook()})

    def _saved(self, notebook: bytes, section: str) -> dict[str, bytes]:
        stubs = self._course.stubs(section)
        try:
            return sources_of(notebook, stubs, stubs, name=section).sources
        except NotHandedIn:  # it was never saved, or by something else than Jupyter
            return {}

    def _grader(self, exercises: list[Exercise]) -> Grader:
        needs = {name for exercise in self._course.with_used(exercises) for name in exercise.needs}
        if self._sandbox is not None:
            grader = Grader(self._course, self._exams, self._sandbox)
            if needs <= set(self._sandbox.needs) and grader.works():
                return grader
            needs |= set(self._sandbox.needs)
            self.close()
        self._sandbox, _ = open_sandbox(self._course.limits, needs=tuple(sorted(needs)))
        return Grader(self._course, self._exams, self._sandbox)


def check(name: str) -> Feedback:
    """Check `section/slug`, or what was begun of a section, as it was run in this notebook; show what comes back."""
    shell = get_ipython()
    if shell is None or shell.history_manager is None:
        raise HeadcheckError("this checks what was run in a notebook; elsewhere use the command: headcheck check")
    history = newest(shell.history_manager.input_hist_raw, shell.input_transformer_manager.transform_cell)
    try:
        return _checker(find_course(Path.cwd()).root).check(name, history)
    except HeadcheckError as error:
        raise UsageError(str(error)) from error  # which IPython shows without a traceback


def load(shell: Any) -> None:
    """Give a notebook its `%check`, and let it import what the course hands out and one's own earlier files."""
    shell.register_magic_function(lambda line: check(line.strip()), "line", MAGIC)
    with contextlib.suppress(HeadcheckError):  # there is no course here, as `%check` will say
        assignments = str(find_course(Path.cwd()).root / "assignments")
        if assignments not in sys.path:
            sys.path.insert(0, assignments)


@cache
def _checker(root: Path) -> Checker:
    return Checker(read_course(root))


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
