"""What grading found, as frozen data: properties, exercises, submissions; JSON both ways; the score."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from headcheck.errors import HeadcheckError

SCHEMA = 1
_HIDDEN = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

Outcome = Literal["passed", "failed", "skipped", "timeout", "crashed", "broken", "missing"]
Status = Literal["passed", "failed", "missing", "timeout", "crashed", "broken"]
Level = Literal["full", "strong", "process"]
Visibility = Literal["public", "hidden"]
Group = Literal["core", "robust"]


@dataclass(frozen=True)
class Counterexample:
    """The smallest input found on which a property fails; tensors as `{"dtype", "shape", "values"}`.

    `reproduce` is a line of Python that makes the call again, where one line can.
    """

    inputs: dict[str, Any]
    got: dict[str, Any]
    wanted: dict[str, Any]
    reproduce: str = ""


@dataclass(frozen=True)
class Curve:
    """How a figure went in training, step by step; `right` is how it goes for a right model.

    The last value had to be at least or at most a threshold, where there is one.
    """

    name: str
    values: list[float]
    right: list[float] = field(default_factory=list)
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class PropertyResult:
    """What became of one property. `sentence` is its claim, `hint` the author's next step, `curves` its training."""

    name: str
    visibility: Visibility
    group: Group
    outcome: Outcome
    points: float
    max_points: float
    message: str = ""
    counterexample: Counterexample | None = None
    seconds: float = 0.0
    sentence: str = ""
    hint: str = ""
    curves: list[Curve] = field(default_factory=list)


@dataclass(frozen=True)
class Diagnosis:
    """The one misconception that a submission behaves like, and what its author says to the student."""

    name: str
    message: str


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise of one submission. `notes` are for the instructor only; `printed` is the student's own output.

    `first_wrong_step` says which steps of the way to the answer are right, and which is the first that is not.
    """

    exercise: str
    status: Status
    points: float
    max_points: float
    seconds: float
    misconception: Diagnosis | None
    properties: list[PropertyResult]
    notes: list[str] = field(default_factory=list)
    printed: str = ""
    first_wrong_step: str = ""


@dataclass(frozen=True)
class SectionResult:
    """One section of one submission: the content of `results/<student>/<section>.json`."""

    student: str
    section: str
    points: float
    max_points: float
    sandbox: Level
    seed: int
    exercises: list[ExerciseResult]
    schema: int = SCHEMA


def section_result(
    student: str, section: str, sandbox: Level, seed: int, exercises: list[ExerciseResult]
) -> SectionResult:
    """The section's result, its points summed over the exercises."""
    points = round(sum(exercise.points for exercise in exercises), 6)
    max_points = round(sum(exercise.max_points for exercise in exercises), 6)
    return SectionResult(student, section, points, max_points, sandbox, seed, exercises)


def status_of(properties: list[PropertyResult]) -> Status:
    """`passed` when all core points are earned; otherwise the gravest thing that happened."""
    outcomes = {result.outcome for result in properties}
    if "broken" in outcomes:
        return "broken"
    core = [result for result in properties if result.group == "core"]
    if core and all(result.outcome == "passed" for result in core):
        return "passed"
    if "timeout" in outcomes:
        return "timeout"
    if "crashed" in outcomes:
        return "crashed"
    return "missing" if "missing" in outcomes and outcomes <= {"missing", "skipped"} else "failed"


def to_json(result: SectionResult | ExerciseResult) -> bytes:
    """The result as indented JSON, in which what a terminal would act upon or hide is escaped."""
    text = msgspec.json.format(msgspec.json.encode(result), indent=1).decode()
    return (_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n").encode()


def section_from_json(data: bytes, where: str) -> SectionResult:
    """The section's result in `data`; `where` names its origin in the error when it is not one."""
    return _from_json(data, SectionResult, where)


def exercise_from_json(data: bytes, where: str) -> ExerciseResult:
    """The exercise's result in `data`."""
    return _from_json(data, ExerciseResult, where)


_Result = TypeVar("_Result")


def _from_json(data: bytes, kind: type[_Result], where: str) -> _Result:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise HeadcheckError(f"{where} is not a result of headcheck: {error}. Delete it and grade again.") from error
