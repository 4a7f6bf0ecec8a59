"""How far one's own work has come: what was begun, what passes, and what to look at first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from headcheck.cells import is_blank, sources_of
from headcheck.errors import NotHandedIn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headcheck.course import Course, Exercise
    from headcheck.results import ExerciseResult
    from headcheck.submission import Submission

    State = Literal["passed", "in work", "not begun"]

_is_blank = lru_cache(maxsize=512)(is_blank)  # a save changes one file of many


@dataclass(frozen=True)
class Standing:
    """An exercise, and what a check found in it: nothing when it was not begun."""

    exercise: Exercise
    result: ExerciseResult | None

    @property
    def state(self) -> State:
        """`passed` when every check does."""
        if self.result is None:
            return "not begun"
        return "passed" if all(prop.outcome == "passed" for prop in self.result.properties) else "in work"


def first_to_mend(standings: Iterable[Standing]) -> Standing | None:
    """What to look at first: the earliest exercise that is not right, which nothing before it can explain.

    One that lacks only points beyond the book comes after all that lack others.
    """
    wrong = [standing for standing in standings if standing.state == "in work"]
    return min(wrong, key=lambda one: one.result is not None and one.result.status == "passed", default=None)


def written(submission: Submission, course: Course, exercises: Iterable[Exercise]) -> dict[str, bytes]:
    """What was written for each exercise that was begun: its file, or what the section's notebook holds of it.

    What cannot be read was begun, too, so that somebody says why it cannot.
    """
    notebooks: dict[str, dict[str, bytes]] = {}
    found: dict[str, bytes] = {}
    for exercise in exercises:
        text = submission.files.get(exercise.id, b"")
        if exercise.id in submission.refused:
            text = submission.refused[exercise.id].encode()
        elif _is_blank(text) and exercise.section in submission.notebooks:
            if exercise.section not in notebooks:
                notebooks[exercise.section] = _in_notebook(submission, course, exercise.section)
            text = notebooks[exercise.section].get(exercise.module, b"")
        if _is_blank(text):
            text = submission.astray.get(exercise.id, "").encode()
        if text:
            found[exercise.id] = text
    return found


def touched(before: dict[str, bytes], now: dict[str, bytes], wanted: Sequence[Exercise]) -> list[Exercise]:
    """Which of the wanted exercises a save is about: those whose own text is another, or else what they build on."""
    changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    own = [exercise for exercise in wanted if exercise.id in changed]
    return own or [exercise for exercise in wanted if exercise.id in now and changed & set(exercise.uses)]


def _in_notebook(submission: Submission, course: Course, section: str) -> dict[str, bytes]:
    notebook, stubs = submission.notebooks[section], course.stubs(section)
    try:
        return sources_of(notebook, stubs, stubs, name=section).sources
    except NotHandedIn:  # what is wrong with it is said by whoever checks it
        return dict.fromkeys(stubs, notebook)
