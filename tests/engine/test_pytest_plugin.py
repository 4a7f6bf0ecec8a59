"""Checking a course by `pytest assignments/`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headcheck.course import Course

    Run = Callable[..., pytest.RunResult]

pytest_plugins = ["pytester"]

SQUARED = "def {slug}(X):\n    return X * X\n"
HALTS = "import os\n\n\ndef {slug}(X):\n    os._exit(0)\n"
ADDITIVE = "The answer to a sum is the sum of the answers."
ANSWERS = "There is one number for each number of X, and it depends on X."


@pytest.fixture
def tiny(write_course: Callable[..., Course]) -> Course:
    """A tiny course of two exercises with two public properties each, nothing filled in."""
    return write_course()


@pytest.fixture
def run(pytester: pytest.Pytester, tiny: Course) -> Run:
    """Write a text into the stub of every exercise, or the references, and run pytest on the assignments."""

    def run(*arguments: str, text: str | None = None) -> pytest.RunResult:
        for exercise in tiny.exercises:
            exercise.stub.write_text(text.format(slug=exercise.slug) if text else exercise.reference.read_text())
        return pytester.runpytest(str(tiny.root / "assignments"), *arguments)

    return run


def test_each_public_property_of_a_right_solution_is_a_test_that_passes(run: Run) -> None:
    """The hidden ones stay hidden, and what an exercise uses is the student's own."""
    outcome = run("--verbose")
    outcome.assert_outcomes(passed=4)
    outcome.stdout.fnmatch_lines([f"*tiny/double.py::{ANSWERS} PASSED*", f"*tiny/twice.py::{ADDITIVE} PASSED*"])
    outcome.stdout.no_fnmatch_line("*reference's*")


def test_a_failure_shows_the_sentence_the_counterexample_and_the_hint(run: Run) -> None:
    """And no traceback through headcheck."""
    outcome = run(text=SQUARED)
    outcome.assert_outcomes(passed=2, failed=2)
    outcome.stdout.fnmatch_lines([f"*failed  {ADDITIVE}*0/2*", "*got*", "*Hint: What happens to a sum?*"])
    outcome.stdout.no_fnmatch_line("*properties.py*")


def test_an_untouched_stub_fails_its_gate_and_the_rest_is_skipped(run: Run) -> None:
    """Not a wall of red."""
    run(text="def {slug}(X):\n    ...\n").assert_outcomes(failed=2, skipped=2)


def test_a_submission_that_ends_its_process_fails(run: Run) -> None:
    """Nothing of it runs in the process of pytest."""
    run("--exitfirst", text=HALTS).assert_outcomes(failed=1)


def test_junit_holds_the_sentences_and_the_points(run: Run, tmp_path: Path) -> None:
    """As pytest writes it."""
    report = tmp_path / "junit.xml"
    run(f"--junit-xml={report}", text=SQUARED)
    cases = {case.get("name"): case for case in ET.parse(report).iter("testcase")}
    assert {ANSWERS, ADDITIVE} == set(cases)
    failed = cases[ADDITIVE]
    assert failed.find("failure") is not None
    properties = {item.get("name"): item.get("value") for item in failed.iter("property")}
    assert properties == {"property": "it_is_additive", "points": "0.0", "of": "2.0"}


def test_files_outside_a_course_are_left_alone(pytester: pytest.Pytester) -> None:
    """As are files in a course that are no exercise."""
    pytester.makepyfile(test_plain="def test_plain(): pass")
    pytester.runpytest().assert_outcomes(passed=1)


def test_what_the_machine_lacks_is_no_failure_of_the_students(run: Run, tiny: Course) -> None:
    """It is told as it is, with a traceback."""
    listing = tiny.root / "assignments" / "course.toml"
    listing.write_text(listing.read_text().replace('slug = "double"', 'slug = "double"\nneeds = ["no_such_library"]'))
    outcome = run("-k", "double and sum")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*SandboxError: the warm process ended*", "*No module named *no_such_library*"])
