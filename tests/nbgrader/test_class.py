"""Three students of the real course, from `headcheck nbgrader init` to their feedback, by nbgrader's own commands."""

from __future__ import annotations

import ast
import contextlib
import copy
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.api import Gradebook

from headcheck.course import read_course
from headcheck.notebooks import code_of
from headcheck.release import refuse_leaks

ROOT = Path(__file__).parents[2]
COURSE = read_course(ROOT)
SECTION = "scoring"
CHECK = "scoring-masked_softmax-check"
WARNS = """

import sys, warnings
print("careful", file=sys.stderr)
warnings.warn("careful")
"""
MISTAKE = """
import torch


def masked_softmax(X, valid_lens=None):
    weights = torch.softmax(X, dim=2)  # a mistake: padding has had its share by now
    if valid_lens is not None:
        last = valid_lens.reshape(len(X), -1, 1)
        weights = weights.masked_fill(torch.arange(X.size(2)) >= last, 0.0)
    return weights
"""
HOSTILE = """
import os, socket

try:
    open({trace!r}, "w").write("I was here")
except OSError:
    pass
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=1)
except OSError:
    pass
print("20.0")


class Equal:
    def __eq__(self, other):
        return True


def masked_softmax(X, valid_lens=None):
    return Equal()
"""
MARK = {"grade_id": CHECK, "grade": True, "solution": False, "locked": False, "points": 1000, "schema_version": 99}
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nbgrader's pages ask another host for MathJax
]


@pytest.fixture(scope="module")
def port():
    """A door that a submission may try; nobody must come."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


@pytest.fixture(scope="module")
def graded(programs, hand_in, port, tmp_path_factory):
    """The nbgrader course with everybody's feedback."""
    root = tmp_path_factory.mktemp("nbgrader") / "attention"
    programs("headcheck", "nbgrader", "init", root, cwd=ROOT)
    programs("nbgrader", "generate_assignment", SECTION, cwd=root)
    hand_in(root, "amber", SECTION, right())
    spoil_cells(hand_in(root, "bruno", SECTION, {"scoring.masked_softmax": MISTAKE}))
    hostile = HOSTILE.format(trace=str(root / "trace"), port=port.getsockname()[1])
    forge(hand_in(root, "mallory", SECTION, {"scoring.masked_softmax": hostile}))
    programs("nbgrader", "autograde", SECTION, cwd=root)
    programs("nbgrader", "generate_feedback", SECTION, cwd=root)
    return root


def right():
    """The reference of every exercise as the code of its cell; one of them warns."""
    exercises = COURSE.select(SECTION)
    texts = {exercise: exercise.reference.read_text() for exercise in exercises}
    cells = {exercise.module: code_of(text, ast.parse(text), exercises) for exercise, text in texts.items()}
    cells["scoring.masked_softmax"] += WARNS
    return cells


def spoil_cells(notebook):
    """Delete one check cell and copy another."""
    content = nbformat.read(notebook, as_version=4)
    twice = [copy.deepcopy(cell) for cell in content.cells if cell.id == "scoring-additive_attention-check"]
    twice[0].id = "a-copy"
    content.cells = [cell for cell in content.cells if cell.id != CHECK] + twice
    nbformat.write(content, notebook)


def forge(notebook):
    """Show full marks, and mark the cell as what it is not."""
    content = nbformat.read(notebook, as_version=4)
    (cell,) = [cell for cell in content.cells if cell.id == CHECK]
    cell.source = "%%bash\ntouch /tmp/headcheck-was-here\n"
    cell.outputs = [new_output("execute_result", {"text/plain": "20.0"}, execution_count=1)]
    cell.metadata["nbgrader"] = MARK
    nbformat.write(content, notebook)


def scores(root):
    """The gradebook's automatic points, by student and check cell."""
    found = {}
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        for student in gradebook.students:
            grades = gradebook.find_submission_notebook(SECTION, SECTION, student.id).grades
            found[student.id] = {each.name: each.auto_score for each in grades if each.auto_score is not None}
    return found


def feedback(root, student):
    return (root / "feedback" / student / SECTION / f"{SECTION}.html").read_text()


def words(page):
    """What a page says."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


def test_the_gradebook_holds_what_headcheck_grade_gives(graded, programs, tmp_path):
    """For every student and exercise, to the point, on the same files."""
    command = ("grade", graded / "submitted", "-o", tmp_path / "results", "--section", SECTION)
    programs("headcheck", *command, cwd=ROOT)
    wanted = {}
    for path in (tmp_path / "results").glob(f"*/{SECTION}.json"):
        section = json.loads(path.read_text())
        points = {f"{each['exercise'].replace('/', '-')}-check": each["points"] for each in section["exercises"]}
        wanted[section["student"]] = points
    assert sorted(wanted) == ["amber", "bruno", "mallory"]
    assert scores(graded) == wanted


def test_right_work_has_full_marks_although_it_warns(graded):
    """What goes to standard error costs nothing."""
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook(SECTION, SECTION, "amber")
        assert [grade.name for grade in notebook.grades if grade.auto_score not in (None, grade.max_score)] == []
        assert notebook.needs_manual_grade  # its answers in words


def test_partial_credit_and_a_message_come_together(graded):
    """The points, the mistake by name, the counterexample and the hint; although the check cell had been deleted."""
    points = scores(graded)["bruno"][CHECK]
    assert 0 < points < 20
    text = words(feedback(graded, "bruno"))
    assert f"Grade cell: {CHECK} Score: {points} / 20.0" in text
    for part in ("wanted", "Hint", "When should", f"{points:g} / 20"):
        assert part in text
    assert text.count("Grade cell: scoring-additive_attention-check") == 1


def test_nothing_of_a_submission_runs_in_nbgrader(graded, programs, port):
    """No kernel, no file, no connection; and what it shows as its points is not read."""
    assert not programs.trace.exists()
    assert not (graded / "trace").exists()
    assert not Path("/tmp/headcheck-was-here").exists()
    with pytest.raises(TimeoutError):
        port.accept()
    assert scores(graded)["mallory"][CHECK] <= 1.0
    page = (graded / "autograded" / "mallory" / SECTION / f"{SECTION}.ipynb").read_text()
    assert "%%bash" not in page


def test_the_trap_would_have_caught_a_kernel(programs):
    """It is the kernel that these notebooks ask for."""
    text = "from jupyter_client.kernelspec import get_kernel_spec; print(get_kernel_spec('python3').display_name)"
    assert programs("python", "-c", text, cwd=ROOT).strip() == "a trap"


@pytest.mark.parametrize("student", ["bruno", "mallory"])
def test_feedback_holds_no_line_of_a_hidden_file(graded, student):
    """Nor does what the instructor's notes say of the student's text."""
    page = feedback(graded, student)
    refuse_leaks(COURSE, {"feedback.html": html.unescape(re.sub(r"<[^>]+>", "", page)).encode()})
    assert "Notes for the instructor" not in page


def test_rubrics_are_not_released_and_graders_see_them(graded):
    """They are what nbgrader calls a mark scheme."""
    released = (graded / "release" / SECTION / f"{SECTION}.ipynb").read_text()
    assert "MARK SCHEME" not in released
    autograded = nbformat.read(graded / "autograded" / "amber" / SECTION / f"{SECTION}.ipynb", as_version=4)
    (task,) = [cell for cell in autograded.cells if cell.id == "scoring-changed_keys-question"]
    assert "BEGIN MARK SCHEME" in task.source


def test_feedback_opens_in_a_real_browser(graded, tmp_path):
    """Chromium shows the points and the counterexample as matrices."""
    chromium = shutil.which("chromium")
    if chromium is None:
        assert not os.environ.get("CI"), "chromium is missing"
        pytest.skip("chromium is not installed")
    page = graded / "feedback" / "bruno" / SECTION / f"{SECTION}.html"
    command = [chromium, *CHROMIUM, f"--user-data-dir={tmp_path}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert '<table class="matrix">' in shown
    assert f"Grade cell: {CHECK}" in words(shown)


# The formgrader


@contextlib.contextmanager
def serving(root, programs):
    """A Jupyter server in the course's directory, and a way to ask it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    options = {"ip": "127.0.0.1", "port": number, "port_retries": 0, "root_dir": root, "open_browser": False}
    flags = [f"--ServerApp.{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "jupyter", "server", "--allow-root", "--IdentityProvider.token=t", *flags]
    log = root.parent / "server.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=root, env=programs.environment, stdout=file, stderr=file)

    def ask(path, method="GET", **content):
        data = json.dumps(content).encode() if content else None
        headers = {"Authorization": "token t", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{number}/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read().decode()

    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                ask("api")
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_the_formgrader_shows_grades_and_grades_again(graded, programs):
    """Its pages and its interface answer; points that a person gives stay when it grades again in its own process."""
    before = scores(graded)
    with serving(graded, programs) as ask:
        assert "nbgrader" in ask("formgrader/manage_assignments").lower()
        listed = {each["student"]: each for each in json.loads(ask(f"formgrader/api/submissions/{SECTION}"))}
        assert {name: each["code_score"] for name, each in listed.items()} == {
            name: pytest.approx(sum(points.values())) for name, points in before.items()
        }
        assert all(each["needs_manual_grade"] for each in listed.values())
        notebooks = json.loads(ask(f"formgrader/api/submitted_notebooks/{SECTION}/{SECTION}"))
        (own,) = [each["id"] for each in notebooks if each["student"] == "bruno"]
        page = ask(f"formgrader/submissions/{own}/?index=0")
        assert "BEGIN MARK SCHEME" in page
        assert '<table class="matrix">' in page
        tasks = [
            each for each in json.loads(ask(f"formgrader/api/grades?submission_id={own}")) if "question" in each["name"]
        ]
        for task in tasks:
            ask(f"formgrader/api/grade/{task['id']}", "PUT", manual_score=2.0)
        done = json.loads(ask(f"formgrader/api/submission/{SECTION}/bruno/autograde", "POST"))
        assert done["success"], done
        (again,) = [
            each for each in json.loads(ask(f"formgrader/api/submissions/{SECTION}")) if each["student"] == "bruno"
        ]
    assert again["task_score"] == 4.0
    assert not again["needs_manual_grade"]
    assert again["score"] == pytest.approx(sum(before["bruno"].values()) + 4.0)
    assert scores(graded) == before
    assert not programs.trace.exists()
