"""Intake: bytes of plain files, and nothing that a student could point elsewhere."""

from __future__ import annotations

import dataclasses
import os
import socket
import unicodedata

import pytest

from headcheck.course import Course, Exercise, Limits
from headcheck.errors import HeadcheckError, SubmissionError
from headcheck.submission import read_class, read_directory, read_submission, student_names

NEEDLE = b"NEEDLE: the reference solution"


@pytest.fixture
def course(tmp_path):
    """Two exercises of one section; files of at most 1 KiB."""
    limits = Limits(source_kib=1)
    exercises = tuple(Exercise(tmp_path, "s", slug, slug, "", (), (), (), (), limits, 1.0) for slug in ("a", "b"))
    return Course(tmp_path, "", 0, limits, {"s": ""}, exercises)


@pytest.fixture
def needle(tmp_path):
    """A file outside the submissions that no submission may show."""
    path = tmp_path / "hidden" / "s"
    path.mkdir(parents=True)
    (path / "a.py").write_bytes(NEEDLE)
    return path / "a.py"


@pytest.fixture
def submitted(tmp_path):
    """Amber's work: a good `s/b.py`, and no `s/a.py` yet."""
    section = tmp_path / "submitted" / "amber" / "s"
    section.mkdir(parents=True)
    (section / "b.py").write_bytes(b"b = 1")
    return tmp_path / "submitted"


def a(submitted):
    """Where amber's `s/a.py` would be."""
    return submitted / "amber" / "s" / "a.py"


def refusal(submitted, course):
    """Why amber's `s/a` is refused; `s/b` is taken all the same."""
    (amber,) = read_class(submitted, course)
    assert amber.files == {"s/b": b"b = 1"}
    return amber.refused["s/a"]


def test_a_plain_file_is_taken_in_as_its_bytes(submitted, course):
    """Whatever the bytes are: nothing is parsed here."""
    a(submitted).write_bytes(b"\0\xff\r\n(")
    (amber,) = read_class(submitted, course)
    assert (amber.student, amber.files["s/a"], amber.refused) == ("amber", b"\0\xff\r\n(", {})


def test_a_missing_file_is_neither_taken_nor_refused(submitted, course):
    """Nor is a missing section."""
    (submitted / "blue").mkdir()
    amber, blue = read_class(submitted, course)
    assert (amber.files, amber.refused) == ({"s/b": b"b = 1"}, {})
    assert (blue.files, blue.refused) == ({}, {})


@pytest.mark.parametrize("relative", [False, True])
def test_a_link_to_a_file_is_not_followed(submitted, course, needle, relative):
    """By an absolute path or by `..`."""
    target = os.path.relpath(needle, a(submitted).parent) if relative else needle
    a(submitted).symlink_to(target)
    assert a(submitted).read_bytes() == NEEDLE
    assert "s/a.py is not a plain file" in refusal(submitted, course)


def test_a_hard_link_is_refused(submitted, course, needle):
    """It may be another's file."""
    os.link(needle, a(submitted))
    assert "hard link" in refusal(submitted, course)


def test_a_pipe_is_refused_at_once(submitted, course):
    """Nobody will ever write into it."""
    os.mkfifo(a(submitted))
    assert refusal(submitted, course) == "s/a.py is not a plain file"


def test_a_link_to_a_device_is_refused(submitted, course):
    """/dev/zero has no end."""
    a(submitted).symlink_to("/dev/zero")
    assert "not a plain file" in refusal(submitted, course)


def test_a_device_is_refused(submitted, course):
    """Where one can be made at all."""
    try:
        os.mknod(a(submitted), 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert "not a plain file" in refusal(submitted, course)


def test_a_socket_is_refused(submitted, course, monkeypatch):
    """Opening one fails, and that is said."""
    monkeypatch.chdir(a(submitted).parent)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.py")
    assert "not a plain file" in refusal(submitted, course)


def test_a_directory_in_place_of_the_file_is_refused(submitted, course):
    """Not listed, not entered."""
    a(submitted).mkdir()
    assert refusal(submitted, course) == "s/a.py is not a plain file"


@pytest.mark.parametrize(("size", "taken"), [(1024, True), (1025, False), (10**9, False)])
def test_a_large_file_is_refused_without_reading_it_all(submitted, course, size, taken):
    """The limit is the course's; 1 GB takes no longer than 1 KiB."""
    a(submitted).touch()
    os.truncate(a(submitted), size)
    (amber,) = read_class(submitted, course)
    assert ("s/a" in amber.files) == taken
    assert amber.refused == ({} if taken else {"s/a": "s/a.py is larger than 1 KiB"})


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_section_that_is_no_directory_is_refused(submitted, course, needle, kind):
    """A link in its place is not followed to a needle."""
    (submitted / "blue").mkdir()
    place = submitted / "blue" / "s"
    place.symlink_to(needle.parent) if kind == "link" else place.touch()
    blue = read_class(submitted, course)[1]
    assert (blue.files, set(blue.refused)) == ({}, {"s/a", "s/b"})
    assert "not a plain directory" in blue.refused["s/a"]


def test_a_link_in_place_of_a_student_is_not_followed(submitted, course, needle):
    """It shows nothing of where it points."""
    (submitted / "mallory").symlink_to(needle.parents[1])
    assert NEEDLE not in [data for submission in read_class(submitted, course) for data in submission.files.values()]


def test_a_student_replaced_by_a_link_after_the_listing_is_refused(submitted, course, needle):
    """Every exercise says why."""
    (submitted / "mallory").symlink_to(needle.parents[1])
    descriptor = os.open(submitted, os.O_RDONLY)
    mallory = read_submission("mallory", descriptor, course)
    os.close(descriptor)
    assert (mallory.files, set(mallory.refused)) == ({}, {"s/a", "s/b"})


def test_files_beside_the_students_and_hidden_directories_are_ignored(submitted, course):
    """A grades.csv, a .git."""
    (submitted / "grades.csv").touch()
    (submitted / ".git").mkdir()
    assert student_names(submitted) == ["amber"]


def test_files_that_no_exercise_asks_for_are_ignored(submitted, course):
    """torch.py, conftest.py, a .pth."""
    for name in ("torch.py", "conftest.py", "x.pth"):
        (a(submitted).parent / name).write_bytes(b"")
    (amber,) = read_class(submitted, course)
    assert set(amber.files) == {"s/b"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Amber", "amber"),
        ("straße", "STRASSE"),
        (unicodedata.normalize("NFC", "zoë"), unicodedata.normalize("NFD", "zoë")),
        ("ﬁona", "fiona"),
        (unicodedata.normalize("NFD", "ZOË"), unicodedata.normalize("NFC", "zoë")),
    ],
)
def test_two_students_who_may_be_one_are_both_named(tmp_path, one, other):
    """By case or by Unicode form: nobody is graded before that is settled."""
    for name in (one, other):
        (tmp_path / name).mkdir()
    with pytest.raises(HeadcheckError, match="may be one student") as caught:
        student_names(tmp_path)
    assert repr(one) in str(caught.value)
    assert repr(other) in str(caught.value)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "a\u202eb", "a\u200bb", "x" * 101, os.fsdecode(b"a\xff")])
def test_a_name_that_hides_something_is_refused(tmp_path, name):
    """Control and invisible characters, bad UTF-8, endless names; the message shows them escaped."""
    (tmp_path / name).mkdir()
    with pytest.raises(HeadcheckError, match="cannot be a student's name") as caught:
        student_names(tmp_path)
    assert str(caught.value).isprintable()


def test_no_submissions_is_an_error_that_shows_the_layout(tmp_path, course):
    """Neither an empty nor an absent directory is a class."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeadcheckError, match=r"<student>/<section>/<slug>\.py"):
        read_class(tmp_path / "empty", course)
    with pytest.raises(HeadcheckError, match="cannot be read: No such file"):
        read_class(tmp_path / "absent", course)


def test_a_class_behind_a_link_is_refused(submitted, course, tmp_path):
    """The instructor names the directory itself."""
    (tmp_path / "link").symlink_to(submitted)
    with pytest.raises(SubmissionError, match="not a plain directory"):
        read_class(tmp_path / "link", course)


def test_ones_own_directory_may_lie_behind_a_link(submitted, course, tmp_path):
    """A student who checks their own files links as they like; the files themselves must be plain."""
    (tmp_path / "home").symlink_to(submitted / "amber")
    own = read_directory(tmp_path / "home", course)
    assert (own.student, own.files) == ("you", {"s/b": b"b = 1"})


# Notebooks


@pytest.fixture
def notebook(submitted):
    """Where amber's notebook of the section would be."""
    return submitted / "amber" / "s" / "s.ipynb"


def test_a_notebook_is_taken_in_as_its_bytes(submitted, course, notebook):
    """Beside files or without; whether it holds an exercise is not looked at."""
    notebook.write_bytes(b"no notebook \xff")
    (amber,) = read_class(submitted, course)
    assert (amber.files, amber.notebooks) == ({"s/b": b"b = 1"}, {"s": b"no notebook \xff"})
    assert [amber.may_hold(exercise) for exercise in course.exercises] == [True, True]


def test_without_a_notebook_only_a_file_can_hold_an_exercise(submitted, course):
    """Here there is one of two."""
    (amber,) = read_class(submitted, course)
    assert [amber.may_hold(exercise) for exercise in course.exercises] == [False, True]


@pytest.mark.parametrize("kind", ["link", "pipe", "hard link", "directory"])
def test_a_notebook_that_is_no_plain_file_is_refused(submitted, course, notebook, needle, kind):
    """For every exercise that has no file of its own."""
    if kind == "link":
        notebook.symlink_to(needle)
    elif kind == "pipe":
        os.mkfifo(notebook)
    elif kind == "hard link":
        os.link(needle, notebook)
    else:
        notebook.mkdir()
    (amber,) = read_class(submitted, course)
    assert (amber.files, amber.notebooks, set(amber.refused)) == ({"s/b": b"b = 1"}, {}, {"s/a"})
    assert amber.refused["s/a"].startswith("s/s.ipynb ")
    assert not amber.may_hold(course.exercises[0])


@pytest.mark.parametrize(("size", "taken"), [(2048, True), (2049, False), (10**9, False)])
def test_a_large_notebook_is_refused_with_advice(submitted, course, notebook, size, taken):
    """Notebooks have a limit of their own; outputs are what makes them large."""
    course = dataclasses.replace(course, limits=Limits(source_kib=1, notebook_kib=2))
    notebook.touch()
    os.truncate(notebook, size)
    (amber,) = read_class(submitted, course)
    assert bool(amber.notebooks) == taken
    said = "s/s.ipynb is larger than 2 KiB; clear its outputs and save it again"
    assert amber.refused == ({} if taken else {"s/a": said})


def test_a_refused_file_is_not_looked_for_in_the_notebook(submitted, course, notebook, needle):
    """It was meant to count, and says why it does not."""
    notebook.write_bytes(b"{}")
    a(submitted).symlink_to(needle)
    (amber,) = read_class(submitted, course)
    assert "s/a.py is not a plain file" in amber.refused["s/a"]
    assert not amber.may_hold(course.exercises[0])


@pytest.fixture
def two(tmp_path):
    """Two exercises whose names are alike, and another section."""
    exercises = tuple(
        Exercise(tmp_path, *name.split("/"), "", "", (), (), (), (), Limits(), 1.0)
        for name in ("s/masked_softmax", "s/masked_softmax_2d", "t/masked_softmax")
    )
    return Course(tmp_path, "", 0, Limits(), {"s": "", "t": ""}, exercises)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("s/MaskedSoftmax.py", {"s/masked_softmax"}),
        ("s/masked softmax (2).py", {"s/masked_softmax"}),
        ("s/masked_softmax_2D.py", {"s/masked_softmax_2d"}),
        ("t/masked-softmax.py", {"t/masked_softmax"}),
        ("s/s copy.ipynb", {"s/masked_softmax", "s/masked_softmax_2d"}),
        ("s/Untitled1.ipynb", {"s/masked_softmax", "s/masked_softmax_2d"}),
        ("s/softmax.py", set()),
        ("s/masked_softmax.md", set()),
        ("s/.masked_softmax.py", set()),
        ("s/masked\x1bsoftmax.py", set()),
        ("deep/er/masked_softmax.py", set()),
    ],
)
def test_a_file_of_nearly_the_right_name_is_named(tmp_path, two, path, wanted):
    """For the exercises that it may be meant for, and for no others."""
    (tmp_path / "amber" / path).parent.mkdir(parents=True)
    (tmp_path / "amber" / path).write_bytes(b"")
    amber = read_submission(str(tmp_path / "amber"), None, two)
    assert set(amber.astray) == wanted
    assert all(message.startswith(f"{path} is not looked at: rename it to ") for message in amber.astray.values())


def test_a_name_that_is_no_text_is_no_stranger(tmp_path, two):
    """A message that held it could not be written."""
    (tmp_path / "amber" / "s").mkdir(parents=True)
    os.close(os.open(os.fsencode(tmp_path) + b"/amber/s/masked_softmax\xff.py", os.O_CREAT))
    assert read_submission(str(tmp_path / "amber"), None, two).astray == {}


def test_links_and_many_names_are_looked_for_in_vain(tmp_path, two, monkeypatch):
    """No link is followed, and what is too much is left."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "masked_softmax.py").write_bytes(NEEDLE)
    (tmp_path / "amber").mkdir()
    (tmp_path / "amber" / "q").symlink_to(hidden)
    assert read_submission(str(tmp_path / "amber"), None, two).astray == {}
    monkeypatch.setattr("headcheck.submission.MAX_STRANGERS", 1)
    for name in ("aaa.py", "masked_softmax.py"):
        (tmp_path / "amber" / name).write_bytes(b"")
    assert read_submission(str(tmp_path / "amber"), None, two).astray == {}
