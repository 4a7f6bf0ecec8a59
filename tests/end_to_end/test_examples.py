"""The README's first command, as a user runs it: the example class, its results, its grades and its report."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headcheck.course import read_course

ROOT = Path(__file__).parents[2]
COURSE = read_course(ROOT)
STATUSES = {
    ("amber", "scoring/masked_softmax"): "passed",
    ("amber", "scoring/additive_attention"): "passed",
    ("amber", "scoring/dot_product_attention"): "passed",
    ("amber", "multihead/head_reshape"): "passed",
    ("amber", "multihead/head_maps"): "missing",
    ("bruno", "scoring/masked_softmax"): "passed",
    ("bruno", "scoring/dot_product_attention"): "passed",
    ("chidi", "scoring/masked_softmax"): "failed",
    ("dana", "scoring/dot_product_attention"): "failed",
    ("emeka", "multihead/head_reshape"): "failed",
    ("farah", "scoring/masked_softmax"): "failed",
    ("goran", "scoring/masked_softmax"): "failed",
    ("hana", "scoring/masked_softmax"): "timeout",
    ("ivan", "scoring/masked_softmax"): "failed",
    ("jun", "scoring/masked_softmax"): "failed",
    ("jun", "scoring/dot_product_attention"): "passed",
    ("kofi", "scoring/masked_softmax"): "passed",
    ("lena", "scoring/masked_softmax"): "passed",
}
FULL_MARKS = [
    ("amber", "scoring/masked_softmax"),
    ("amber", "scoring/additive_attention"),
    ("amber", "scoring/dot_product_attention"),
    ("amber", "multihead/head_reshape"),
    ("bruno", "scoring/masked_softmax"),
    ("bruno", "scoring/dot_product_attention"),
    ("jun", "scoring/dot_product_attention"),
    ("lena", "scoring/masked_softmax"),
]
NOTHING = [("farah", "scoring/masked_softmax"), ("goran", "scoring/masked_softmax"), ("hana", "scoring/masked_softmax")]
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-sync",
]


def headcheck(*arguments, **options):
    command = [sys.executable, "-m", "headcheck.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, **options)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The directory of results and what the command said."""
    results = tmp_path_factory.mktemp("class") / "results"
    done = headcheck("grade", "examples/submitted", "-o", results)
    assert done.returncode == 0, done.stderr
    return results, done.stdout


@pytest.fixture(scope="module")
def exercises(graded):
    """Every exercise's result as JSON, by student and exercise."""
    results, _ = graded
    sections = [json.loads(path.read_bytes()) for path in results.glob("[!.]*/*.json")]
    return {(section["student"], each["exercise"]): each for section in sections for each in section["exercises"]}


def test_every_submission_has_the_status_that_its_file_announces(exercises):
    """Right, differently right, wrong, untouched, unparsable, endless and forging: each is told apart."""
    assert {key: exercises[key]["status"] for key in STATUSES} == STATUSES


def test_right_solutions_have_full_marks_and_empty_ones_none(exercises):
    """All points for what is right, whatever its style or its neighbours; none for what does nothing."""
    assert [key for key in FULL_MARKS if exercises[key]["points"] != exercises[key]["max_points"]] == []
    assert [key for key in NOTHING if exercises[key]["points"]] == []


def test_a_forger_earns_no_more_than_an_empty_answer(exercises):
    """Neither frames nor patched comparisons nor lying subclasses earn a point beyond the gate."""
    gate = exercises["ivan", "scoring/masked_softmax"]["properties"][0]
    assert exercises["ivan", "scoring/masked_softmax"]["points"] <= gate["max_points"]


def test_the_mistake_is_called_by_its_name(exercises):
    """Two of the example's mistakes behave like exactly one misconception, and are told so."""
    assert exercises["chidi", "scoring/masked_softmax"]["misconception"]["name"]
    assert exercises["dana", "scoring/dot_product_attention"]["misconception"]["name"]


def test_a_mistake_in_an_earlier_exercise_costs_points_once(exercises):
    """Jun's attention is graded on the reference's masked softmax, and the instructor is told."""
    assert "masked_softmax" in exercises["jun", "scoring/dot_product_attention"]["notes"][0]


def test_grades_have_a_row_a_student_and_a_column_a_section(graded):
    """The totals in grades.csv are the sums of the results."""
    results, _ = graded
    rows = list(csv.DictReader((results / "grades.csv").read_text().splitlines()))
    assert [row["student"] for row in rows] == sorted(path.name for path in (ROOT / "examples/submitted").iterdir())
    for row in rows:
        sections = [json.loads((results / row["student"] / f"{name}.json").read_bytes()) for name in COURSE.sections]
        assert float(row["total"]) == pytest.approx(sum(section["points"] for section in sections))


def test_a_second_run_grades_nothing_again(graded, exercises):
    """What is known is recalled: the same results, timings included."""
    results, _ = graded
    before = {path: path.read_bytes() for path in results.glob("[!.]*/*.json")}
    assert headcheck("grade", "examples/submitted", "-o", results).returncode == 0
    assert {path: path.read_bytes() for path in results.glob("[!.]*/*.json")} == before


def test_the_untouched_stub_is_the_stub():
    """Farah's file is what students are given."""
    given = ROOT / "assignments/scoring/masked_softmax.py"
    assert (ROOT / "examples/submitted/farah/scoring/masked_softmax.py").read_bytes() == given.read_bytes()


def test_the_report_opens_in_a_real_browser(graded, tmp_path):
    """Chromium shows every student and the class's misconceptions, and loads nothing from anywhere."""
    chromium = shutil.which("chromium")
    if chromium is None:
        assert not os.environ.get("CI"), "chromium is missing"
        pytest.skip("chromium is not installed")
    results, _ = graded
    page = results / "report" / "index.html"
    command = [chromium, *CHROMIUM_FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    for student in (ROOT / "examples/submitted").iterdir():
        assert student.name in shown.stdout
    assert "<script" not in shown.stdout
