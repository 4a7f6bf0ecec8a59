"""A course of another subject, and one that is written from the authors' page: the engine knows no exercise."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headcheck.audit import audit, unexpected_files
from headcheck.course import read_course

ROOT = Path(__file__).parents[2]
CHAPTER = read_course(ROOT)
COURSE = read_course(ROOT / "examples" / "convolution")
PACKAGE = ROOT / "src" / "headcheck"
PAGE = (ROOT / "docs" / "authoring.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([\w/.]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CORRELATION = "convolution/cross_correlation"
LAYER = "convolution/conv_layer"
TURNED = """def corr2d(X, K):
    rows, columns = K.shape
    if rows > X.shape[0] or columns > X.shape[1]:
        raise ValueError("too large")
    answer = X.new_zeros(X.shape[0] - rows + 1, X.shape[1] - columns + 1)
    for r in range(rows):
        for c in range(columns):
            answer = answer + K[rows - 1 - r, columns - 1 - c] * X[r : r + len(answer), c : c + answer.shape[1]]
    return answer
"""


def headcheck(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "headcheck.cli", *map(str, arguments)]
    environment = os.environ | {"COLUMNS": "80", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Each exercise's result by student: one hands in the references, one has turned the kernel round."""
    home = tmp_path_factory.mktemp("class")
    for student in ("right", "turned"):
        for exercise in COURSE.exercises:
            path = home / "submitted" / student / exercise.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(exercise.reference.read_bytes())
    (home / "submitted" / "turned" / f"{CORRELATION}.py").write_text(TURNED)
    done = headcheck("--course", COURSE.root, "grade", home / "submitted", "-o", home / "results", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    sections = [json.loads(path.read_bytes()) for path in (home / "results").glob("*/*.json")]
    return {(section["student"], each["exercise"]): each for section in sections for each in section["exercises"]}


@pytest.mark.parametrize("name", [exercise.id for exercise in COURSE.exercises])
def test_the_second_course_has_no_gap(name):
    """Its graders are proven as the chapter's are."""
    assert audit(COURSE, COURSE.exercise(name), seed=COURSE.seed).findings == []


def test_no_file_of_the_second_course_is_left_over():
    """Every file in its trees belongs to an exercise."""
    assert unexpected_files(COURSE) == []


def test_right_submissions_earn_everything(graded):
    """Both exercises, graded in the sandbox."""
    for name in (CORRELATION, LAYER):
        assert graded["right", name]["points"] == graded["right", name]["max_points"] > 0


def test_a_mistake_has_its_name_and_costs_points_once(graded):
    """Turned kernels are called so, and the layer that uses them is graded on the reference's."""
    wrong, layer = graded["turned", CORRELATION], graded["turned", LAYER]
    assert wrong["misconception"]["name"] == "kernel_turned_round"
    assert wrong["status"] == "failed"
    assert wrong["points"] < wrong["max_points"]
    assert layer["points"] == layer["max_points"]
    assert "cross_correlation" in layer["notes"][0]


def test_the_second_course_is_released_and_checked(tmp_path):
    """A student's copy holds nothing hidden, and a check in it says what goes wrong first."""
    assert headcheck("--course", COURSE.root, "release", tmp_path / "copy").returncode == 0
    written = {path.name for path in (tmp_path / "copy").rglob("*.*")}
    assert "convolution.ipynb" in written
    assert not written & {"hidden.py", "misconceptions.py"}
    (tmp_path / "copy" / "assignments" / f"{CORRELATION}.py").write_text(TURNED)
    checked = headcheck("check", cwd=tmp_path / "copy")
    assert checked.returncode == 1
    assert "Start with the products of one window, summed" in checked.stdout


def words_of(path):
    """The words of a file that run or are shown: all of them but the docstrings and comments of Python."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body[0] = ast.Expr(ast.Constant(0))
        text = ast.unparse(tree)
    return set(re.findall(r"\w+", text))


def test_the_engine_knows_no_exercise():
    """No section and no exercise, of the chapter or of the second course, is named in its code or its pages."""
    named = {name for course in (CHAPTER, COURSE) for name in course.sections}
    named |= {exercise.slug for course in (CHAPTER, COURSE) for exercise in course.exercises}
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".jinja", ".css")]
    assert PACKAGE / "grading.py" in files
    assert [(path.name, word) for path in files for word in sorted(words_of(path) & named)] == []


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The course of the authors' page: `headcheck new`, and then the page's files in the place of those."""
    root = tmp_path_factory.mktemp("walk")
    files = dict(FILE.findall(PAGE))
    course = files.pop("assignments/course.toml")
    (root / "assignments").mkdir()
    (root / "assignments" / "course.toml").write_text(course)
    assert headcheck("new", "signals/moving_average", "--title", "Moving average", cwd=root).returncode == 0
    for path in (root / "tests" / "alternatives").rglob("*.py"):
        path.unlink()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def shown_after(command):
    """What the authors' page shows below a command, the last time that it gives it; without empty lines."""
    return lines(re.findall(rf"^\$ {re.escape(command)}\n(.*?)^(?:```|\$ )", PAGE, re.MULTILINE | re.DOTALL)[-1])


def lines(text):
    """Its lines, without empty ones and without what is blank at their end."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_the_walk_through_ends_in_a_proof(walked):
    """What the page has its reader write is proven, and the audit says what the page shows."""
    done = headcheck("audit", cwd=walked)
    assert done.returncode == 0, done.stdout
    assert lines(done.stdout) == shown_after("headcheck audit")


def test_the_walk_through_shows_what_a_student_sees(walked):
    """The page's wrong solution gets the very feedback that the page shows."""
    wrong = walked / "wrong" / "signals" / "moving_average.py"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("\n".join(shown_after(f"cat > {wrong.relative_to(walked)}")))
    command = "check signals/moving_average --dir wrong"
    assert lines(headcheck(*command.split(), cwd=walked).stdout) == shown_after(f"headcheck {command}")
