"""A course for nbgrader, made of a course of headcheck: its configuration, and an assignment for each section.

The notebook is the one that students are given anyway (`notebooks`), its cells marked for nbgrader: the stub is a
solution, the check an autograder cell with the exercise's points, a question a task with its points and, as the mark
scheme that nbgrader keeps from students until they get their feedback, its rubric. Beside it lies what `%check` and
the imports of the stubs need: the public part of the section and of what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headcheck.cells import cell_id
from headcheck.course import COURSE_FILE
from headcheck.errors import CourseError
from headcheck.notebooks import notebook_bytes, section_cells
from headcheck.properties import load_properties
from headcheck.questions import read_question
from headcheck.release import refuse_leaks
from headcheck.text import slug

if TYPE_CHECKING:
    from pathlib import Path

    from headcheck.course import Course, Exercise

CONFIG = "nbgrader_config.py"
SCHEMA = 3
CHECK, TASK = "check", "question"


def write_nbgrader_course(course: Course, directory: Path) -> list[str]:
    """Write the course to a directory that is empty or not there yet, and return the paths."""
    if not course.has_hidden_files:
        raise CourseError(f"{course.root} is a student's copy: it has nothing to grade with")
    if directory.exists() and any(directory.iterdir()):
        raise CourseError(f"{directory} is not empty; choose another directory, and copy source/ from there if need be")
    files = {name: data for section in course.sections for name, data in assignment_files(course, section).items()}
    refuse_leaks(course, files)
    files[CONFIG] = configuration(course).encode()
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(files)


def course_id(course: Course) -> str:
    """The course's name in nbgrader: its title, as URLs and directories can hold it."""
    return slug(course.title)


def assignment_files(course: Course, section: str) -> dict[str, bytes]:
    """The source of an assignment by path: its notebook, and what lies beside it, all of which students get."""
    files = [course.root / COURSE_FILE]
    for exercise in course.with_used(course.select(section)):
        given = (course.root / "assignments" / name for name in exercise.given)
        files += [exercise.stub, exercise.public, *given]
    beside = {path.relative_to(course.root).as_posix(): path.read_bytes() for path in files}
    found = {f"{section}.ipynb": assignment_notebook(course, section)} | beside
    return {f"source/{section}/{name}": data for name, data in found.items()}


def assignment_notebook(course: Course, section: str) -> bytes:
    """A section's notebook with nbgrader's metadata."""
    cells = section_cells(course, section)
    marks = {name: mark for exercise in course.select(section) for name, mark in _marks(course, exercise).items()}
    schemes = {cell_id(exercise.module, TASK): _scheme(exercise) for exercise in course.select(section)}
    for cell in cells:
        if cell.id in marks:
            cell.metadata["nbgrader"] = marks[cell.id]
            cell.source += schemes.get(cell.id, "")
    return notebook_bytes(cells)


def points_of(course: Course, exercise: Exercise) -> float:
    """What the check of an exercise is worth: its properties, public and hidden."""
    return round(sum(prop.worth.points * exercise.weight for prop in load_properties(course, exercise)), 6)


def tasks(course: Course, section: str) -> dict[str, int]:
    """The questions of a section that a person judges, with their points, by the id of their cell."""
    asked = [exercise for exercise in course.select(section) if exercise.question.is_file()]
    return {cell_id(exercise.module, TASK): read_question(exercise.question).max_points for exercise in asked}


def _marks(course: Course, exercise: Exercise) -> dict[str, dict[str, Any]]:
    """The metadata of those of an exercise's cells that nbgrader must know, by the id of the cell."""
    code, check, task = (cell_id(exercise.module, role) for role in ("code", CHECK, TASK))
    marks = {
        code: _mark(code, solution=True),
        check: _mark(check, grade=True, locked=True, points=points_of(course, exercise)),
    }
    if exercise.question.is_file():
        marks[task] = _mark(task, task=True, locked=True, points=read_question(exercise.question).max_points)
    return marks


def _mark(name: str, **what: float) -> dict[str, Any]:
    return {"schema_version": SCHEMA, "grade_id": name, "grade": False, "solution": False, "locked": False, **what}


def _scheme(exercise: Exercise) -> str:
    if not exercise.question.is_file():
        return ""
    rubric = read_question(exercise.question).rubric
    lines = "".join(f"- {each.points}: {each.text}\n" for each in rubric)
    return f"\n\n=== BEGIN MARK SCHEME ===\n\n{lines}\n=== END MARK SCHEME ==="


def configuration(course: Course) -> str:
    """The text of `nbgrader_config.py`."""
    return _CONFIG.format(course_id=course_id(course), root=str(course.root))


_CONFIG = '''"""What nbgrader does in this course. Written by `headcheck nbgrader init`; change it as you like.

`nbgrader autograde` starts no kernel here: headcheck reads what was submitted, grades it in its sandbox, and writes
what it found into the check cells. What a submission may use is said in the course's assignments/course.toml.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

c = get_config()

c.CourseDirectory.course_id = {course_id!r}
# c.CourseDirectory.db_url = "postgresql+psycopg://user@host/gradebook"  # the default is gradebook.db in this directory

c.GradeInSandbox.course = {root!r}
# c.GradeInSandbox.results = "results"  # for `headcheck report results`; what is known is not graded again
# c.GradeInSandbox.weak_sandbox = True  # grade even where the machine cannot lock submissions in

c.ClearSolutions.enabled = False  # the sources hold stubs, and no solutions
c.Autograde.sanitize_preprocessors = [
    "headcheck.nbgrader_bridge.RestoreCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "headcheck.nbgrader_bridge.GradeInSandbox",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "headcheck.nbgrader_bridge.SaveGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
'''
