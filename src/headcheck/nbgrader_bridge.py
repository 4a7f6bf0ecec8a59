"""In nbgrader: submissions graded by headcheck, in its sandbox; and results of headcheck in nbgrader's gradebook.

`nbgrader autograde` turns a submitted notebook into a graded one by a row of preprocessors. Three of them are ours
(`nbgrader_course` writes the configuration that says so):

* `RestoreCells` comes first and trusts nothing that the notebook says about itself: its marks for nbgrader are those
  that were handed out, whatever was deleted, copied or changed.
* `GradeInSandbox` stands in the place of nbgrader's `Execute`. No kernel is started: the student's files are taken in
  and graded as `headcheck grade` does it, and the outcome is written into the outputs of the check cells, the points as
  the number that nbgrader reads there.
* `SaveGrades` is nbgrader's own, and asks for a person where headcheck itself failed.
"""

from __future__ import annotations

import atexit
import copy
import dataclasses
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_output, upgrade
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Unicode

from headcheck import archive
from headcheck.cells import cell_id
from headcheck.course import read_course
from headcheck.errors import HeadcheckError
from headcheck.grading import Exams, Grader
from headcheck.html import render_exercise
from headcheck.nbgrader_course import CHECK, course_id, tasks
from headcheck.sandbox import open_sandbox, require_level
from headcheck.submission import read_submission, student_names
from headcheck.terminal import exercise_view, plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headcheck.course import Course, Exercise
    from headcheck.results import ExerciseResult, SectionResult
    from headcheck.sandbox import Probes, Sandbox
    from headcheck.submission import Submission

TRIES = 2
WIDTH = 100
STRUCTURE = str(Path("{nbgrader_step}", "{student_id}", "{assignment_id}"))
ACCEPT = "c.GradeInSandbox.weak_sandbox = True in nbgrader_config.py"
BROKEN = "headcheck_broken"


class RestoreCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Give a submitted notebook the marks, and the marked cells, that it was handed out with."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        coursedir = self.parent.parent.coursedir
        names = resources["nbgrader"]
        source = Path(coursedir.format_path(coursedir.source_directory, ".", names["assignment"]))
        restore(nb, nbformat.read(source / f"{names['notebook']}.ipynb", as_version=4))  # type: ignore[no-untyped-call]
        return nb, resources


def restore(notebook: Any, source: Any) -> None:
    """Mark the cells of a notebook as those of `source` are marked, and add those that are missing.

    A cell is known by the name that nbgrader gave it, or by its id. Of several with one name the last counts in which
    something was written.
    """
    upgrade(notebook)  # type: ignore[no-untyped-call]  # cells had no ids once
    handed_out = {cell.metadata.nbgrader.grade_id: cell for cell in source.cells if "nbgrader" in cell.metadata}
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        mark = cell.metadata.pop("nbgrader", None)
        claims = (mark.get("grade_id") if isinstance(mark, dict) else None, cell.get("id"))
        name = next((claim for claim in claims if isinstance(claim, str) and claim in handed_out), None)
        if name is not None and (name not in found or cell.source != handed_out[name].source):
            found[name] = cell
    place = 0
    for name, cell in handed_out.items():
        own = found.get(name)
        if own is None:
            own = copy.deepcopy(cell)
            notebook.cells.insert(place, own)
        own.metadata["nbgrader"] = copy.deepcopy(cell.metadata.nbgrader)
        place = next(index for index, each in enumerate(notebook.cells) if each is own) + 1


class GradeInSandbox(NbGraderPreprocessor):  # type: ignore[misc]
    """Grade what a student submitted for an assignment, and write the outcome into the outputs of its check cells."""

    course = Unicode(help="The directory of the headcheck course.").tag(config=True)
    results = Unicode("results", help="Where headcheck keeps its results; from the directory of this course.").tag(
        config=True
    )
    weak_sandbox = Bool(False, help="Grade even where the machine cannot lock submissions in.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        coursedir = self.parent.parent.coursedir
        student, section = (resources["nbgrader"][name] for name in ("student", "assignment"))
        if coursedir.directory_structure != STRUCTURE:
            raise HeadcheckError(f"headcheck reads submissions at {STRUCTURE}, not at {coursedir.directory_structure}")
        course = _course(self.course)
        wanted = course.select(section)
        submitted = Path(coursedir.format_path(coursedir.submitted_directory, ".", "."))
        _require_names(submitted, submitted.stat().st_mtime_ns)
        desk = _desk(course.root, course.libraries(course.with_used(wanted)))
        submission = read_submission(student, None, course, where=str(submitted / student))
        results = Path(coursedir.root, self.results)
        result = desk.grade(submission, wanted, results=results, weak_sandbox=self.weak_sandbox)
        graded = {
            cell_id(exercise.module, CHECK): each for exercise, each in zip(wanted, result.exercises, strict=True)
        }
        for cell in nb.cells:
            if is_grade(cell) and not is_solution(cell):  # what is both, a person grades
                mark = cell.metadata.nbgrader
                cell.outputs = outputs_of(graded.get(mark.grade_id), mark.grade_id, mark.points, course.titles)
        resources[BROKEN] = {name: each.notes for name, each in graded.items() if each.status == "broken"}
        for name, notes in resources[BROKEN].items():
            self.log.warning("headcheck itself failed on %s of %s, no points lost: %s", name, student, "; ".join(notes))
        return nb, resources


def outputs_of(result: ExerciseResult | None, name: str, points: float, titles: Mapping[str, str]) -> list[Any]:
    """What a check cell shows of its exercise to a student, and the points as nbgrader's `determine_grade` reads them.

    It gives full marks to a cell without a number, so one that headcheck does not grade is refused. `titles` are those
    of the exercises, by id.
    """
    if result is None:
        raise HeadcheckError(f"{name} is no check of this course: nbgrader would give it full marks; mark it as manual")
    if result.max_points != points:
        raise HeadcheckError(
            f"{name} is worth {points:g} points in this assignment, and {result.max_points:g} in the course, which was "
            "changed since: write the assignment again with `headcheck nbgrader init`, and copy its source/ here"
        )
    shown = dataclasses.replace(result, notes=[])  # they are for the instructor
    text = plain_text(exercise_view(shown, hidden_left=0, everything=True), width=WIDTH)
    page = render_exercise(shown, name=titles[result.exercise])
    return [
        new_output("display_data", {"text/html": page, "text/plain": text}),  # type: ignore[no-untyped-call]
        new_output("execute_result", {"text/plain": repr(result.points)}, execution_count=None),  # type: ignore[no-untyped-call]
    ]


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """Save the points, and ask for a person where headcheck itself failed."""

    def _add_score(self, cell: Any, resources: Any) -> None:
        super()._add_score(cell, resources)
        name = cell.metadata.nbgrader.grade_id
        if name in resources[BROKEN]:
            where = (self.notebook_id, self.assignment_id, self.student_id)
            self.gradebook.find_grade(name, *where).needs_manual_grade = True
            self.gradebook.db.commit()


class Desk:
    """Where one process grades: the exams of a course, and a warm sandbox that is replaced when it dies."""

    def __init__(self, course: Course, needs: tuple[str, ...]) -> None:
        self._course = course
        self._needs = needs
        self._exams = Exams(course, course.seed)
        self._sandbox: Sandbox
        self._probes: Probes
        self._open()
        atexit.register(self.close)

    def grade(
        self, submission: Submission, wanted: list[Exercise], *, results: Path, weak_sandbox: bool
    ) -> SectionResult:
        """One section of a student, kept among the `results`; tried again when it ends `broken`."""
        for _ in range(TRIES):
            require_level(self._probes, weak_sandbox=weak_sandbox, accept_by=ACCEPT)
            grader = Grader(self._course, self._exams, self._sandbox, directory=results)
            (result,) = grader.grade_submission(submission, wanted)
            if all(exercise.status != "broken" for exercise in result.exercises):
                break
            if not grader.works():
                self.close()
                self._open()
        archive.write_section(results, result)
        return result

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    def _open(self) -> None:
        self._sandbox, self._probes = open_sandbox(self._course.limits, needs=self._needs)


@cache
def _course(root: str) -> Course:
    return read_course(Path(root))


@cache
def _desk(root: Path, needs: tuple[str, ...]) -> Desk:
    return Desk(_course(str(root)), needs)


@cache
def _require_names(submitted: Path, _changed: int) -> None:
    """Refuse names of students that are none for results; once, until one is added."""
    student_names(submitted)


# The gradebook


def write_gradebook(course: Course, results: Iterable[SectionResult], db_url: str) -> None:
    """Write an already graded class into a gradebook, in which an assignment of nbgrader may exist or not.

    What was there of headcheck's points is replaced; points that a person gave stay, to be looked at again.
    """
    with Gradebook(db_url, course_id(course)) as gradebook:
        known = set()
        for result in results:
            if result.section not in known:
                _require_assignment(gradebook, course, result)
                known.add(result.section)
            _write_section(gradebook, course, result)


def _require_assignment(gradebook: Any, course: Course, result: SectionResult) -> None:
    """See that a section is an assignment in the gradebook, with the cells that have points."""
    section = result.section
    checks = {_check(course, exercise): exercise.max_points for exercise in result.exercises}
    asked = tasks(course, section)
    try:
        notebook = gradebook.find_notebook(section, section)
    except MissingEntry:
        gradebook.update_or_create_assignment(section)
        gradebook.add_notebook(section, section)
        for name, points in checks.items():
            gradebook.add_grade_cell(name, section, section, max_score=points, cell_type="code")
        for name, points in asked.items():
            gradebook.add_task_cell(name, section, section, max_score=points, cell_type="markdown")
        return
    if checks | asked != {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}:
        raise HeadcheckError(
            f"the assignment {section} in the gradebook has other cells or points than these results; nothing of it "
            "was written: grade again with the course that it was made from, or choose another gradebook"
        )


def _write_section(gradebook: Any, course: Course, result: SectionResult) -> None:
    section, student = result.section, result.student
    gradebook.update_or_create_student(student)
    with gradebook.db.no_autoflush:  # what nbgrader adds here is not whole before it commits
        gradebook.update_or_create_submission(section, student)
    for exercise in result.exercises:
        grade = gradebook.find_grade(_check(course, exercise), section, section, student)
        grade.auto_score = exercise.points
        grade.needs_manual_grade = exercise.status == "broken" or grade.manual_score is not None
    gradebook.db.commit()


def _check(course: Course, result: ExerciseResult) -> str:
    return cell_id(course.exercise(result.exercise).module, CHECK)
