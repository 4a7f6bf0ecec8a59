"""The course that nbgrader gets: what its notebooks say, what lies beside them, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from headcheck.course import read_course
from headcheck.errors import CourseError
from headcheck.nbgrader_course import assignment_files, course_id, tasks, write_nbgrader_course

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from headcheck.course import Course

QUESTION = "# Why?\n\nSay why.\n\n## Rubric\n\n- 2 points: says because,\n  and of what.\n"


@pytest.fixture
def course(write_course: Callable[..., Course]) -> Course:
    """The tiny course, with a question, a given file, and an exercise that counts twice."""
    root = write_course().root
    file = root / "assignments" / "course.toml"
    (root / "assignments" / "given").mkdir()
    (root / "assignments" / "given" / "curve.py").write_text("points = 3\n")
    file.write_text(file.read_text().replace('slug = "double"\n', 'slug = "double"\ngiven = ["given/curve.py"]\n'))
    file.write_text(file.read_text().replace('slug = "twice"\n', 'slug = "twice"\nweight = 2.0\n'))
    course = read_course(root)
    course.exercise("tiny/double").question.write_text(QUESTION)
    return course


def cells(files: dict[str, bytes]) -> dict[str, Any]:
    """The cells of the section's notebook by id."""
    return {cell["id"]: cell for cell in json.loads(files["source/tiny/tiny.ipynb"])["cells"]}


def test_a_stub_is_a_solution_and_a_check_has_the_exercises_points(course: Course) -> None:
    """Of public and hidden properties, times the weight; other cells mean nothing to nbgrader."""
    found = cells(assignment_files(course, "tiny"))
    marks = {name: cell["metadata"]["nbgrader"] for name, cell in found.items() if cell["metadata"]}
    shared = {"schema_version": 3, "grade": False, "solution": False, "locked": False}
    assert marks["tiny-double-code"] == shared | {"grade_id": "tiny-double-code", "solution": True}
    check = {"grade_id": "tiny-double-check", "grade": True, "locked": True, "points": 5.0}
    assert marks["tiny-double-check"] == shared | check
    assert marks["tiny-twice-check"]["points"] == 10.0
    assert sorted(marks) == [
        "tiny-double-check",
        "tiny-double-code",
        "tiny-double-question",
        "tiny-twice-check",
        "tiny-twice-code",
    ]


def test_a_question_is_a_task_whose_rubric_is_the_mark_scheme(course: Course) -> None:
    """Between the lines that nbgrader removes before students see it, and nowhere else in the assignment."""
    files = assignment_files(course, "tiny")
    task = cells(files)["tiny-double-question"]
    assert task["metadata"]["nbgrader"]["task"]
    assert task["metadata"]["nbgrader"]["points"] == 2
    text = "".join(task["source"])
    _, _, rest = text.partition("=== BEGIN MARK SCHEME ===")
    assert rest.split("=== END")[0].strip() == "- 2: says because, and of what."
    others = [data for name, data in files.items() if name != "source/tiny/tiny.ipynb"]
    assert not any(b"says because" in data for data in others)
    assert tasks(course, "tiny") == {"tiny-double-question": 2}


def test_beside_the_notebook_lies_what_its_check_and_its_imports_need(course: Course) -> None:
    """The public part of the section, and nothing hidden."""
    assert sorted(assignment_files(course, "tiny")) == [
        "source/tiny/assignments/course.toml",
        "source/tiny/assignments/given/curve.py",
        "source/tiny/assignments/tiny/double.py",
        "source/tiny/assignments/tiny/twice.py",
        "source/tiny/graders/tiny/double/public.py",
        "source/tiny/graders/tiny/twice/public.py",
        "source/tiny/tiny.ipynb",
    ]


def test_the_course_is_written_with_a_configuration(course: Course, tmp_path: Path) -> None:
    """Which is Python, names the course, and has our preprocessors where nbgrader would start a kernel."""
    written = write_nbgrader_course(course, tmp_path / "new" / "nbgrader")
    assert all((tmp_path / "new" / "nbgrader" / name).is_file() for name in written)
    text = (tmp_path / "new" / "nbgrader" / "nbgrader_config.py").read_text()
    compile(text, "nbgrader_config.py", "exec")
    assert f"course_id = {course_id(course)!r}" in text
    assert course_id(course) == "a-tiny-course"
    assert repr(str(course.root)) in text
    assert "GradeInSandbox" in text
    assert "Execute" not in text


def test_nothing_is_written_into_a_directory_that_holds_something(course: Course, tmp_path: Path) -> None:
    """An instructor's own changes are never overwritten."""
    write_nbgrader_course(course, tmp_path / "nbgrader")
    with pytest.raises(CourseError, match="is not empty; choose another directory"):
        write_nbgrader_course(course, tmp_path / "nbgrader")


def test_a_students_copy_cannot_grade(course: Course, tmp_path: Path) -> None:
    """It lacks the references."""
    (course.root / "reference").rename(tmp_path / "reference")
    with pytest.raises(CourseError, match="is a student's copy"):
        write_nbgrader_course(course, tmp_path / "nbgrader")


def test_a_secret_in_what_students_get_is_refused(course: Course, tmp_path: Path) -> None:
    """As in a release, and nothing is written."""
    double = course.exercise("tiny/double")
    double.stub.write_text(double.stub.read_text() + "\n" + double.hidden.read_text())
    with pytest.raises(CourseError, match="which is hidden"):
        write_nbgrader_course(course, tmp_path / "nbgrader")
    assert not (tmp_path / "nbgrader").exists()
