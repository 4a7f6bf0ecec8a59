"""`pytest assignments/`: each public property of a course is a test, named by its sentence.

An exercise is checked in the sandbox, as by `headcheck check`, when the first of its tests runs; its tests report what
came of it, with points and hint. pytest finds this plugin when headcheck is installed, and nothing else of headcheck is
imported until a file of a course is collected.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headcheck.course import Course, Exercise
    from headcheck.grading import Grader
    from headcheck.results import PropertyResult

WIDTH = 100


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ExerciseFile | None:
    """A file of a course's assignments, if that is what this is."""
    if file_path.suffix != ".py":
        return None
    root = next((above for above in file_path.parents if (above / "assignments" / "course.toml").is_file()), None)
    if root is None:
        return None
    desk = parent.config.stash.setdefault(_DESKS, {}).setdefault(root, Desk(root, parent.config))
    exercise = next((each for each in desk.course.exercises if each.stub == file_path.resolve()), None)
    return None if exercise is None else ExerciseFile.from_parent(parent, path=file_path, exercise=exercise, desk=desk)


class Desk:
    """Where the exercises of one course are checked: the student's work, a sandbox, and what was found so far."""

    def __init__(self, root: Path, config: pytest.Config) -> None:
        self._root = root
        self._config = config
        self._found: dict[str, dict[str, PropertyResult]] = {}
        self.wanted: list[Exercise] = []

    @cached_property
    def course(self) -> Course:
        """The course of this directory."""
        from headcheck.course import read_course

        return read_course(self._root)

    def result(self, exercise: Exercise, name: str) -> PropertyResult:
        """What became of a property; its exercise is checked the first time that somebody asks."""
        from headcheck.submission import read_directory

        if exercise.id not in self._found:
            work = read_directory(self._root / "assignments", self.course)
            (checked,) = self._grader.check(work, [exercise])
            self._found[exercise.id] = {result.name: result for result in checked.properties}
        return self._found[exercise.id][name]

    @cached_property
    def _grader(self) -> Grader:
        from headcheck.grading import Exams, Grader
        from headcheck.sandbox import open_sandbox

        needs = {name for exercise in self.wanted for name in exercise.needs}
        sandbox, _ = open_sandbox(self.course.limits, needs=tuple(sorted(needs)))
        self._config.add_cleanup(sandbox.close)
        return Grader(self.course, Exams(self.course, self.course.seed, public_only=True), sandbox)


_DESKS = pytest.StashKey[dict["Path", Desk]]()


class ExerciseFile(pytest.File):
    """The file of one exercise, and a test for each of its public properties."""

    def __init__(self, *, exercise: Exercise, desk: Desk, **rest: Any) -> None:
        super().__init__(**rest)
        self.exercise = exercise
        self.desk = desk

    def collect(self) -> Iterator[PropertyTest]:
        from headcheck.properties import load_properties

        self.desk.wanted.append(self.exercise)
        for prop in load_properties(self.desk.course, self.exercise):
            if prop.visibility == "public":
                yield PropertyTest.from_parent(self, name=prop.sentence, property_name=prop.name)


class PropertyTest(pytest.Item):
    """One property of the exercise in the file above."""

    parent: ExerciseFile

    def __init__(self, *, property_name: str, **rest: Any) -> None:
        super().__init__(**rest)
        self._property_name = property_name

    def runtest(self) -> None:
        """Fails, or is skipped, as the property was."""
        result = self.parent.desk.result(self.parent.exercise, self._property_name)
        self.user_properties += [("property", result.name), ("points", result.points), ("of", result.max_points)]
        if result.outcome == "skipped":
            pytest.skip(result.message)
        if result.outcome != "passed":
            raise PropertyFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What `headcheck check` shows; a traceback only where headcheck itself failed."""
        if isinstance(excinfo.value, PropertyFailed):
            from headcheck.terminal import plain_text, property_view

            return plain_text(property_view(excinfo.value.result), width=WIDTH)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.parent.exercise.id}: {self.name}"


class PropertyFailed(Exception):
    """A property did not pass."""

    def __init__(self, result: PropertyResult) -> None:
        super().__init__(result.message)
        self.result = result
