"""One student's way through nbgrader's exchange, and a gradebook on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import get_username

RIGHT = "def double(X):\n    return 2 * X"
WRONG = "def double(X):\n    return X * X"
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X)"
IN_A_NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in ("%load_ext headcheck", {code!r}):
    shell.run_cell(cell, store_history=True).raise_error()
print(shell.run_cell("%check tiny/double").result)
"""


@pytest.fixture(scope="module")
def postgresql():
    """A cluster of its own in a temporary directory, without a network, and the URL of its database."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        assert not os.environ.get("CI"), "postgresql is missing"
        pytest.skip("postgresql is not installed")
    ordinary = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="headcheck-") as home:
        if ordinary:
            shutil.chown(home, "nobody", "nogroup")

        def run(program, *arguments):
            command = [*ordinary, str(found[-1].with_name(program)), "-D", f"{home}/data", *arguments]
            done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "--username=grader", "--auth=trust", "--no-sync", "--locale=C.UTF-8")
        options = f"-k {home} -c listen_addresses= -c fsync=off"
        run("pg_ctl", "start", "--wait", "--silent", "-l", f"{home}/log", "-o", options)
        try:
            yield f"postgresql+psycopg://grader@/postgres?host={home}"
        finally:
            run("pg_ctl", "stop", "--wait", "--silent", "-m", "immediate")


@pytest.fixture(scope="module")
def collected(programs, hand_in, fill_in, course, postgresql, tmp_path_factory):
    """The nbgrader course with feedback for two, of whom one has fetched and submitted; and that one's directory."""
    home = tmp_path_factory.mktemp("exchange")
    root, student, exchange = home / "course", home / "student", home / "exchange"
    student.mkdir()
    exchange.mkdir()
    exchange.chmod(0o777)
    programs("headcheck", "--course", course.root, "nbgrader", "init", root, cwd=home)
    settings = f"c.Exchange.root = {str(exchange)!r}\nc.CourseDirectory.course_id = 'a-tiny-course'\n"
    (student / "nbgrader_config.py").write_text(f"c = get_config()\n{settings}")
    with (root / "nbgrader_config.py").open("a") as config:
        config.write(f"{settings}c.CourseDirectory.db_url = {postgresql!r}\n")
    programs("nbgrader", "generate_assignment", "tiny", cwd=root)
    programs("nbgrader", "release_assignment", "tiny", cwd=root)
    programs("nbgrader", "fetch_assignment", "tiny", cwd=student)
    fill_in(student / "tiny" / "tiny.ipynb", {"tiny.double": RIGHT, "tiny.twice": TWICE})
    programs("nbgrader", "submit", "tiny", cwd=student)
    programs("nbgrader", "collect", "tiny", cwd=root)
    hand_in(root, "bruno", "tiny", {"tiny.double": WRONG, "tiny.twice": TWICE})
    programs("nbgrader", "autograde", "tiny", cwd=root)
    programs("nbgrader", "generate_feedback", "tiny", cwd=root)
    return root, student


@pytest.fixture
def gradebook(postgresql):
    with contextlib.closing(Gradebook(postgresql, "a-tiny-course")) as found:
        yield found


def grades(gradebook, student):
    """Points of headcheck and of a person, by cell."""
    gradebook.db.expire_all()
    found = gradebook.find_submission_notebook("tiny", "tiny", student).grades
    return {grade.name: (grade.auto_score, grade.manual_score) for grade in found}


def test_what_is_submitted_through_the_exchange_is_graded(collected, gradebook, programs):
    """And its feedback written; a mistake in an exercise that another one uses costs points once."""
    root, _ = collected
    assert grades(gradebook, get_username()) == {
        "tiny-double-check": (5.0, None),
        "tiny-twice-check": (5.0, None),
        "tiny-double-question": (None, None),
    }
    mistaken = grades(gradebook, "bruno")
    assert mistaken["tiny-double-check"][0] < 5.0
    assert mistaken["tiny-twice-check"] == (5.0, None)
    assert (root / "feedback" / "bruno" / "tiny" / "tiny.html").is_file()
    assert not programs.trace.exists()


def test_what_a_student_fetches_can_check_itself(collected, programs):
    """With the public checks that lie beside the notebook, and nothing else of the course."""
    _, student = collected
    said = programs("python", "-c", IN_A_NOTEBOOK.format(code=WRONG), cwd=student / "tiny")
    assert "tiny/double" in said
    assert "wanted" in said


def test_a_graded_class_is_exported_into_the_gradebook(collected, gradebook, programs, course, postgresql, tmp_path):
    """What autograde has kept is a directory of results; a person's points stay, headcheck's are replaced."""
    root, _ = collected
    before = grades(gradebook, "bruno")
    for name, points in (("tiny-double-check", "auto_score"), ("tiny-double-question", "manual_score")):
        setattr(gradebook.find_grade(name, "tiny", "tiny", "bruno"), points, 1.25)
    gradebook.db.commit()
    export = ("headcheck", "--course", course.root, "export", root / "results", "--to")
    programs(*export, "nbgrader", "--db", postgresql, cwd=tmp_path)
    assert grades(gradebook, "bruno") == before | {"tiny-double-question": (None, 1.25)}
    rows = csv.DictReader(io.StringIO(programs(*export, "csv", cwd=tmp_path)))
    total = sum(points for points, _ in before.values() if points is not None)
    assert {row["student"]: float(row["total"]) for row in rows} == {get_username(): 10.0, "bruno": total}
