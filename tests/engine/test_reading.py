"""Reading a class: what counts as a text, in the sandbox, and that hostile texts cost only themselves."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

from headcheck import reading
from headcheck.course import Course, Limits, read_course
from headcheck.errors import ProtocolError, StudentDied, StudentRaised, StudentTimeout
from headcheck.outlines import MAX_TEXT, outline
from headcheck.reading import known_pieces, read_works
from headcheck.submission import Submission, read_class

DOUBLE = "def double(X):\n    return 2 * X\n"
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X) + 0\n"
REASONS = ("it is not Python", "it is nested too deeply to be read", f"it is longer than {MAX_TEXT:,} characters")


def submission(student="amber", *, refused=None, notebooks=None, **texts):
    """What a student handed in, by slug."""
    files = {f"tiny/{slug}": text if isinstance(text, bytes) else text.encode() for slug, text in texts.items()}
    return Submission(student, files, refused or {}, notebooks or {})


def notebook(*sources):
    """A section's notebook with these code cells, as bytes."""
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    return {"tiny": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()}


@pytest.fixture
def read(course: Course, full):
    """Read submissions: works by student and slug, and reasons for what was left out."""

    def run(*submissions):
        works, left_out = read_works(course, course.exercises, submissions, full)
        texts = {(work.student, work.exercise.partition("/")[2]): work for work in works}
        return texts, {(one.student, one.exercise.partition("/")[2]): one.reason for one in left_out}

    return run


def test_files_are_read_and_outlined(read):
    """As they are, with what an outline of the same text is here; what is not there is not missed."""
    works, left_out = read(submission(double=DOUBLE, twice=TWICE), submission("blue", double="# nothing\n"))
    assert {key: work.text for key, work in works.items()} == {
        ("amber", "double"): DOUBLE,
        ("amber", "twice"): TWICE,
        ("blue", "double"): "# nothing\n",
    }
    twice = works["amber", "twice"]
    assert (list(twice.pieces), list(twice.lines)) == outline(TWICE)
    assert left_out == {}


def test_a_notebook_is_read_as_it_is_graded(read):
    """An exercise's cell with what it needs; a file counts before it, unless nothing is written in the file."""
    held = notebook("k = 2", "def double(X):\n    return k * X", "def twice(X):\n    return X + X")
    works, left_out = read(submission(notebooks=held, twice=TWICE), submission("blue", notebooks=held, double="..."))
    starts = [work.text.partition("\n")[0] for work in works.values()]
    assert starts == ["k = 2", "from tiny.double import double", "k = 2", "# cell 3"]
    assert left_out == {}


def test_what_a_notebook_does_not_hold_is_not_missed_and_one_that_is_none_is_left_out(read):
    """With what is wrong with it."""
    works, left_out = read(
        submission(notebooks=notebook("def double(X): return X")), submission("blue", notebooks={"tiny": b"{"})
    )
    assert list(works) == [("amber", "double")]
    assert set(left_out) == {("blue", "double"), ("blue", "twice")}
    assert left_out["blue", "double"].startswith("tiny/tiny.ipynb is not a notebook")


def test_nothing_is_run(read, tmp_path):
    """A text that would end its process, print, wait or write is only text."""
    text = f"import os, time\nopen({str(tmp_path / 'written')!r}, 'w')\ntime.sleep(60)\nos._exit(0)\n"
    started = time.monotonic()
    works, left_out = read(submission(double=text, twice=text))
    assert ([work.text for work in works.values()], left_out) == ([text, text], {})
    assert time.monotonic() - started < 30
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        b"(" * 60_000,
        b"-" * 60_000 + b"1",
        b"x" + b".y" * 30_000,
        b"x = 1" + b" + 1" * 15_000,
        b"x = " + b"9" * 60_000,
        b"x = 1\0",
        b"# coding: no-such-code\n",
        b"\xff\xfe",
        b"x = 1\n" * 30_000,
        b"[" * 199 + b"]" * 199,
    ],
)
def test_a_hostile_text_is_left_out_and_costs_nobody_else(read, text):
    """Within seconds, with its reason; the same student's other file is read, and so is everybody's."""
    started = time.monotonic()
    works, left_out = read(submission(double=text, twice=TWICE), submission("blue", double=DOUBLE))
    assert set(works) == {("amber", "twice"), ("blue", "double")}
    assert left_out["amber", "double"] in REASONS
    assert time.monotonic() - started < 30


def test_what_intake_refuses_is_left_out_with_its_reason(course, full, tmp_path):
    """A file of a megabyte, and a link."""
    section = tmp_path / "amber" / "tiny"
    section.mkdir(parents=True)
    (section / "double.py").write_bytes(b"#" * 2**20)
    (section / "twice.py").symlink_to(Path(__file__))
    works, left_out = read_works(course, course.exercises, read_class(tmp_path, course), full)
    assert works == []
    assert [one.reason.split(" (")[0] for one in left_out] == [
        "tiny/double.py is larger than 256 KiB",
        "tiny/twice.py is not a plain file",
    ]


def test_reading_takes_no_longer_than_it_may(read, monkeypatch):
    """Neither a call nor all of a student's work: then the rest is left out, and the next student is read."""
    monkeypatch.setattr(reading, "LIMITS", Limits(call_seconds=0.0001, exercise_seconds=0.0002))
    works, left_out = read(submission(double=DOUBLE, twice=TWICE))
    assert (works, set(left_out.values())) == ({}, {"it takes too long to be read"})
    monkeypatch.undo()
    assert set(read(submission(double=DOUBLE))[0]) == {("amber", "double")}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StudentRaised("TabError", "t"), "it is not Python"),
        (StudentRaised("MemoryError", ""), "it is nested too deeply to be read"),
        (StudentDied("signal"), "it is nested too deeply to be read"),
        (StudentTimeout("slow"), "it takes too long to be read"),
        (ProtocolError("this is not an outline"), "this is not an outline"),
    ],
)
def test_each_end_has_its_reason(error, reason):
    """In words that say what is wrong with the text."""
    assert reading._reason(error) == reason


@pytest.mark.parametrize(
    "answer",
    [
        5,
        ("text",),
        ("text", [[1], [2]]),
        (5, torch.zeros(2, 3, dtype=torch.int64)),
        ("text", torch.zeros(2, 3)),
        ("text", torch.zeros(3, 2, dtype=torch.int64)),
        ("text", torch.zeros(6, dtype=torch.int64)),
        ("text", torch.zeros(2, 3, dtype=torch.int64, device="meta")),
        ("text", torch.zeros(2, MAX_TEXT + 1, dtype=torch.int64)),
        ("t" * (MAX_TEXT + 1), torch.zeros(2, 3, dtype=torch.int64)),
    ],
)
def test_what_is_no_outline_is_not_taken_for_one(answer):
    """A worker whose parser was broken by a text may answer anything."""
    with pytest.raises(ProtocolError, match="this is not an outline"):
        reading._checked(answer)


def test_what_is_known_is_what_the_course_has():
    """The stub's, the reference's and each alternative's pieces."""
    exercise = read_course(Path(__file__).parents[2]).exercise("scoring/masked_softmax")
    known = known_pieces(exercise)
    for path in (exercise.stub, exercise.reference, *exercise.alternatives):
        assert known >= set(outline(path.read_text("utf-8")).pieces)
