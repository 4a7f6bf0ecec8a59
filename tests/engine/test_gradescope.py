"""Gradescope: the format of `results.json`, and uploads as students make them."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from headcheck.course import read_course
from headcheck.errors import HeadcheckError
from headcheck.gradescope import by_student, gather, grade_upload, results_json
from headcheck.results import Diagnosis, ExerciseResult, PropertyResult, section_result
from headcheck.scaffold import write_exercise
from headcheck.submission import read_directory

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = "def double(X):\n    return 2 * X\n"
WRONG = "def double(X):\n    return X * X\n"
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X)\n"
BREAKS = """
@worth(1, hint="h")
def it_breaks(student):
    '''It holds.'''
    raise RuntimeError("of our own making")
"""
AT_THE_TOP = {
    "score": float,
    "execution_time": float,
    "visibility": str,
    "stdout_visibility": str,
    "output": str,
    "output_format": str,
    "test_output_format": str,
    "test_name_format": str,
    "tests": list,
    "extra_data": dict,
}
IN_A_TEST = {"name": str, "score": float, "max_score": float, "status": str, "output": str, "visibility": str}
VISIBILITIES = {"visible", "hidden", "after_due_date", "after_published"}


def prop(outcome, visibility="public", **more):
    """One property of two points."""
    points = 2.0 if outcome in ("passed", "broken") else 0.0
    more = {"message": "It says why.", "sentence": "Rows sum to 1.", **more}
    return PropertyResult("rows_sum", visibility, "core", outcome, points, 2.0, **more)


def graded(*properties, student="amber", section="scoring", mistake=None, step=""):
    """One section with one exercise."""
    points = sum(each.points for each in properties)
    exercise = ExerciseResult(
        f"{section}/masked_softmax", "failed", points, 4.0, 0.5, mistake, list(properties), first_wrong_step=step
    )
    return section_result(student, section, "strong", 0, [exercise])


def read(data):
    """A file as Gradescope's documentation describes it: every field is one of those, with its type and values."""
    content = json.loads(data)
    assert {name: type(value) for name, value in content.items()} == AT_THE_TOP
    assert {content["visibility"], content["stdout_visibility"]} <= VISIBILITIES
    for name in ("output_format", "test_output_format", "test_name_format"):
        assert content[name] in {"text", "html", "simple_format", "md", "ansi"}
    for test in content["tests"]:
        assert {name: type(value) for name, value in test.items()} == IN_A_TEST
        assert test["visibility"] in VISIBILITIES
        assert test["status"] in {"passed", "failed"}
        assert 0 <= test["score"] <= test["max_score"]
    return content


# The format


def test_a_property_is_a_test_of_its_own():
    """With its points, what went wrong, and the sentence that it claims."""
    content = read(results_json([graded(prop("failed", hint="Look there."), prop("passed"))]))
    failed, passed = content["tests"]
    assert failed["name"] == "scoring/masked_softmax - Rows sum to 1."
    assert (failed["score"], failed["max_score"], failed["status"]) == (0.0, 2.0, "failed")
    assert "It says why." in failed["output"]
    assert "Look there." in failed["output"]
    assert (passed["score"], passed["status"], passed["output"]) == (2.0, "passed", "")
    assert (content["score"], content["execution_time"]) == (2.0, 0.5)
    assert content["extra_data"] == {"sandbox": {"scoring": "strong"}}


@pytest.mark.parametrize("outcome", ["missing", "skipped"])
def test_what_was_not_run_says_why_and_no_more(outcome):
    """A hint would lead nowhere."""
    (test,) = read(results_json([graded(prop(outcome, hint="Look there."))]))["tests"]
    assert test["output"] == "It says why."


def test_hidden_properties_are_shown_once_grades_are_published():
    """Public ones at once."""
    content = read(results_json([graded(prop("failed"), prop("failed", visibility="hidden"))]))
    assert [test["visibility"] for test in content["tests"]] == ["visible", "after_published"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("passed", "passed"),
        ("broken", "passed"),
        ("failed", "failed"),
        ("timeout", "failed"),
        ("crashed", "failed"),
        ("skipped", "failed"),
        ("missing", "failed"),
    ],
)
def test_what_earned_its_points_passed(outcome, status):
    """What headcheck itself broke costs nothing."""
    (test,) = read(results_json([graded(prop(outcome))]))["tests"]
    assert test["status"] == status


def test_the_mistake_by_name_and_the_first_wrong_step_stand_above():
    """They are about the exercise as a whole."""
    mistake = Diagnosis("after", "You masked after the softmax.")
    content = read(results_json([graded(prop("failed"), mistake=mistake, step="Right so far: nothing.")]))
    assert content["output"] == "scoring/masked_softmax\nYou masked after the softmax.\nRight so far: nothing."
    assert read(results_json([graded(prop("failed"))]))["output"] == ""


def test_the_score_is_that_of_the_sections():
    """All of one student's, so that what being late cost is in it."""
    late = graded(prop("passed"), section="multihead")
    content = read(results_json([graded(prop("passed")), late]))
    assert (content["score"], len(content["tests"])) == (4.0, 2)


def test_a_class_has_a_file_a_student():
    """Each with their own sections."""
    found = by_student(
        [graded(prop("passed")), graded(prop("failed"), student="bruno"), graded(prop("passed"), section="multihead")]
    )
    scores = {student: read(results_json(own))["score"] for student, own in found.items()}
    assert scores == {"amber": 4.0, "bruno": 0.0}


@pytest.mark.parametrize("text", ["\x1b[31m", "\ud800", "\u202e", "\x00", '"}]', "<script>"])
def test_hostile_texts_are_text(text):
    """What hides or moves others is written out."""
    mistake = Diagnosis("after", text)
    found = results_json([graded(prop("failed", message=text, sentence=text), mistake=mistake, step=text)])
    content = read(found)
    shown = text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode()
    (test,) = content["tests"]
    assert all(shown in said for said in (test["name"], test["output"], content["output"]))


# What was uploaded


@pytest.fixture
def upload(tmp_path):
    """Write files as they were uploaded, and return the directory."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "submission"

    return write


def taken(upload, course, home):
    """What of an upload counts."""
    home.mkdir()
    gather(upload, home, course)
    return read_directory(home, course)


@pytest.mark.parametrize("place", ["", "tiny/", "work/week 3/", "assignments/tiny/", "tiny/old/"])
def test_files_are_found_by_their_names(upload, course, tmp_path, place):
    """Flat, in a folder of the section, or deep in a repository."""
    found = taken(upload(**{f"{place}double.py": RIGHT, f"{place}tiny.ipynb": "{}"}), course, tmp_path / "home")
    assert found.files == {"tiny/double": RIGHT.encode()}
    assert found.notebooks == {"tiny": b"{}"}


def test_of_two_files_the_one_in_the_folder_of_its_section_counts(upload, course, tmp_path):
    """Then the one higher up."""
    where = upload(**{"double.py": WRONG, "tiny/double.py": RIGHT, "a/twice.py": TWICE, "a/b/twice.py": WRONG})
    found = taken(where, course, tmp_path / "home")
    assert found.files == {"tiny/double": RIGHT.encode(), "tiny/twice": TWICE.encode()}


def test_what_a_course_hands_out_and_what_is_hidden_is_no_work(upload, course, tmp_path):
    """A repository holds graders, caches and git's own files."""
    names = ("graders/tiny/double.py", ".git/double.py", "__pycache__/double.py", "given/double.py")
    assert taken(upload(**dict.fromkeys(names, WRONG)), course, tmp_path / "home").files == {}


def test_a_name_that_is_nearly_right_is_said(upload, course, tmp_path):
    """As everywhere in headcheck."""
    found = taken(upload(**{"stuff/double (1).py": RIGHT}), course, tmp_path / "home")
    assert found.files == {}
    assert found.astray["tiny/double"].startswith("double (1).py is not looked at: rename it to tiny/double.py")


def test_a_name_that_two_sections_have_needs_its_folder(upload, write_course, tmp_path):
    """Nothing is guessed."""
    course = write_course()
    file = course.root / "assignments" / "course.toml"
    file.write_text(file.read_text() + '\n[[section]]\nname = "other"\ntitle = "Other"\n')
    write_exercise(read_course(course.root), "other/double", None)
    course = read_course(course.root)
    flat = taken(upload(**{"double.py": RIGHT}), course, tmp_path / "flat")
    assert flat.files == {}
    assert "double.py is not looked at: rename it to" in " ".join(flat.astray.values())
    assert list(taken(upload(**{"other/double.py": RIGHT}), course, tmp_path / "home").files) == ["other/double"]


def test_links_and_pipes_are_not_followed(upload, course, tmp_path):
    """A link is refused by its name, a pipe is not waited for."""
    where = upload(**{"readme.md": ""})
    (tmp_path / "secret.py").write_text(RIGHT)
    (where / "double.py").symlink_to(tmp_path / "secret.py")
    os.mkfifo(where / "twice.py")
    found = taken(where, course, tmp_path / "home")
    assert found.files == {}
    assert "tiny/double.py is not a plain file" in found.refused["tiny/double"]


# Graded there


def test_an_upload_is_graded(upload, course, full):
    """By public and hidden properties, with what is earned by each."""
    content = read(grade_upload(course, upload(**{"double.py": WRONG, "twice.py": TWICE}), None, weak_sandbox=False))
    assert content["score"] == 1.0 + 5.0  # a mistake in `double` costs points once
    assert "You squared X." in content["output"]
    assert {test["visibility"] for test in content["tests"]} == {"visible", "after_published"}
    assert content["extra_data"] == {"sandbox": {"tiny": "full"}}


def test_nothing_uploaded_earns_nothing(upload, course, full):
    """And one exercise may be graded alone."""
    content = read(grade_upload(course, upload(**{"notes.txt": ""}), "tiny/double", weak_sandbox=False))
    assert content["score"] == 0.0
    assert {test["name"].partition(" - ")[0] for test in content["tests"]} == {"tiny/double"}


def test_what_headcheck_itself_breaks_costs_nothing(upload, write_course, full):
    """It is tried twice."""
    course = write_course(hidden=BREAKS)
    content = read(grade_upload(course, upload(**{"double.py": RIGHT}), "tiny/double", weak_sandbox=False))
    assert content["score"] == sum(test["max_score"] for test in content["tests"])


def test_a_weak_sandbox_must_have_been_chosen(upload, course, monkeypatch):
    """It is said how, and it stands in the results."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    where = upload(**{"double.py": RIGHT})
    with pytest.raises(HeadcheckError, match="accept the risk with headcheck gradescope OUT --weak-sandbox"):
        grade_upload(course, where, "tiny/double", weak_sandbox=False)
    content = read(grade_upload(course, where, "tiny/double", weak_sandbox=True))
    assert (content["score"], content["extra_data"]) == (5.0, {"sandbox": {"tiny": "process"}})
