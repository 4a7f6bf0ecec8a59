"""An autograder: an archive that Gradescope can build, whose program grades as it lays things out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from headcheck.autograder import PINS, RUN, SETUP, autograder_files, write_autograder
from headcheck.course import read_course
from headcheck.errors import CourseError, HeadcheckError
from headcheck.release import write_release

RIGHT = "def double(X):\n    return 2 * X\n"


def run(root):
    """Start the program as Gradescope does, for another root and with this Python."""
    command = [sys.executable, "-I", root / "source" / RUN]
    environment = os.environ | {"AUTOGRADER_ROOT": str(root)}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=root)


@pytest.fixture
def layout(course, tmp_path):
    """Gradescope's directories: an autograder of the tiny course, a flat file that was handed in, no results yet."""
    root = tmp_path / "autograder"
    write_autograder(course, root / "source", "tiny/double", weak_sandbox=False)
    (root / "submission").mkdir()
    (root / "submission" / "double.py").write_text(RIGHT)
    (root / "results").mkdir()
    return root


def test_the_program_grades_a_submission(layout, full):
    """From `submission/` to `results/results.json`, by the course in `source/`."""
    ran = run(layout)
    assert ran.returncode == 0, ran
    content = json.loads((layout / "results" / "results.json").read_text())
    assert content["score"] == sum(test["max_score"] for test in content["tests"]) == 5.0
    assert {test["visibility"] for test in content["tests"]} == {"visible", "after_published"}


def test_where_it_cannot_grade_it_says_why_and_gives_no_score(layout):
    """Gradescope then tells the student that the autograder failed."""
    (layout / "source" / "course" / "assignments" / "course.toml").write_text("title =")
    ran = run(layout)
    assert ran.returncode == 1
    assert ran.stderr.startswith("headcheck: ")
    assert "course.toml" in ran.stderr
    assert not list((layout / "results").iterdir())


@pytest.mark.parametrize("weak", [True, False])
def test_the_choices_of_the_instructor_are_in_the_program(course, weak):
    """What is graded, and whether without locks."""
    program = autograder_files(course, "tiny", weak_sandbox=weak)[RUN].decode()
    assert f"WEAK_SANDBOX = {weak} " in program
    assert "NAME = 'tiny' " in program
    assert "NAME = None " in autograder_files(course, None, weak_sandbox=weak)[RUN].decode()


def test_the_setup_installs_what_is_in_the_archive(course):
    """The wheel and the versions by their names; the shell can read it."""
    files = autograder_files(course, None, weak_sandbox=False)
    setup = files[SETUP].decode()
    subprocess.run(["bash", "-n"], input=setup, text=True, check=True)
    assert set(re.findall(r'\$source/([^"\[]+)"', setup)) == {PINS, "course"} | {
        name for name in files if name.endswith(".whl")
    }
    assert "[attention]" not in setup


def test_libraries_that_an_exercise_needs_are_installed(write_course):
    """They are the extra `attention`."""
    course = write_course()
    file = course.root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"\n', 'slug = "double"\nneeds = ["sklearn.datasets"]\n'))
    setup = autograder_files(read_course(course.root), None, weak_sandbox=False)[SETUP].decode()
    assert '.whl[attention]"' in setup


def test_an_archive_holds_the_course_and_two_programs(course, tmp_path):
    """At its top, as Gradescope wants it; a second time it is replaced."""
    for _ in range(2):
        names = write_autograder(course, tmp_path / "autograder.zip", None, weak_sandbox=False)
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        assert archive.namelist() == names
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
        assert archive.read("course/reference/tiny/double.py") == course.exercises[0].reference.read_bytes()
    assert {name for name, mode in modes.items() if mode & 0o111} == {SETUP, RUN}
    assert {"course/assignments/course.toml", "course/graders/tiny/twice/hidden.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]


def test_a_directory_is_written_whole_and_replaces_nothing(course, tmp_path):
    """Its programs may be executed."""
    out = tmp_path / "new" / "autograder"
    write_autograder(course, out, None, weak_sandbox=False)
    assert os.access(out / SETUP, os.X_OK)
    assert os.access(out / RUN, os.X_OK)
    with pytest.raises(HeadcheckError, match=r"is in the way: choose a new directory, or a name that ends in \.zip"):
        write_autograder(course, out, None, weak_sandbox=False)


def test_a_students_copy_has_nothing_to_grade_with(course, tmp_path):
    """It is said what is missing; so is a section that there is not."""
    write_release(course, tmp_path / "copy", "py")
    with pytest.raises(CourseError, match="is a student's copy: an autograder needs the references"):
        autograder_files(read_course(tmp_path / "copy"), None, weak_sandbox=False)
    with pytest.raises(CourseError, match="there is no exercise 'huge'"):
        autograder_files(course, "huge", weak_sandbox=False)
