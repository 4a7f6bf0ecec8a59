"""The students' copy: what is in it, what must not be, and what it may replace."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headcheck.course import read_course
from headcheck.errors import CourseError
from headcheck.release import MANIFEST, README, release_files, write_release

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.course import Course

PUBLIC = {
    "assignments/course.toml",
    "assignments/tiny/double.py",
    "assignments/tiny/twice.py",
    "graders/tiny/double/public.py",
    "graders/tiny/twice/public.py",
    README,
    MANIFEST,
}
NOTEBOOK = "assignments/tiny/tiny.ipynb"
SECRET = """
def double(X):
    halves = X / 4
    total = halves.exp().log()
    return total * 8
"""


@pytest.fixture
def own(write_course: Callable[..., Course]) -> Course:
    """A course whose files the test may change."""
    return write_course()


def add(path: Path, text: str) -> None:
    """Put a text at the end of a file."""
    path.write_text(path.read_text() + text)


# What is in it


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("py", PUBLIC),
        ("both", PUBLIC | {NOTEBOOK}),
        ("ipynb", PUBLIC - {"assignments/tiny/double.py", "assignments/tiny/twice.py"} | {NOTEBOOK}),
    ],
)
def test_a_release_holds_what_is_public_and_nothing_else(
    course: Course, tmp_path: Path, form: str, files: set[str]
) -> None:
    """Stubs and graders byte for byte; files, notebooks or both."""
    written = write_release(course, tmp_path / "out", form)
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == files == set(written)
    for name in found & {name for name in PUBLIC if name.startswith(("assignments", "graders"))}:
        assert (tmp_path / "out" / name).read_bytes() == (course.root / name).read_bytes()


def test_questions_and_given_files_are_released(own: Course, tmp_path: Path) -> None:
    """They are public by their path."""
    double = own.exercises[0]
    double.question.write_text("# Why?\n\nSay why.\n\n## Rubric\n\n- 2 points: says because.\n")
    (own.root / "assignments" / "given").mkdir()
    (own.root / "assignments" / "given" / "data.py").write_text("DATA = 1\n")
    file = own.root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"\n', 'slug = "double"\ngiven = ["given/data.py"]\n'))
    files = release_files(read_course(own.root), "py")
    assert {"assignments/tiny/double.md", "assignments/given/data.py"} <= set(files)
    assert "| 3 | 2 | 2 |" in files[README].decode()
    assert "12 points" in files[README].decode()


def test_points_are_summed_and_hidden_checks_are_said(course: Course) -> None:
    """From the properties, by their weight."""
    text = release_files(course, "py")[README].decode()
    assert "2 exercises, 10 points." in text
    assert '(`pip install "headcheck"`)' in text
    assert "| `tiny/double` Double | 3 | 2 |  |" in text
    assert "- `tiny/double`, 2 points: The answer is the reference's." in text


def test_the_manifest_is_one_that_sha256sum_checks(course: Course, tmp_path: Path) -> None:
    """Every file but itself, by its hash."""
    write_release(course, tmp_path / "out", "both")
    lines = (tmp_path / "out" / MANIFEST).read_text().splitlines()
    for digest, name in (line.split("  ") for line in lines):
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    assert len(lines) == len(PUBLIC)
    if checker := shutil.which("sha256sum"):
        subprocess.run([checker, "--strict", "-c", MANIFEST], cwd=tmp_path / "out", check=True, capture_output=True)


def test_a_release_is_a_course_that_is_not_released_again(course: Course, tmp_path: Path) -> None:
    """It has nothing hidden, and so no points to say."""
    write_release(course, tmp_path / "out", "both")
    copy = read_course(tmp_path / "out")
    assert not copy.has_hidden_files
    with pytest.raises(CourseError, match="is a student's copy itself"):
        release_files(copy, "py")


def test_without_nbformat_files_can_be_released(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what brings notebooks is named."""
    monkeypatch.setitem(sys.modules, "nbformat", None)
    assert release_files(course, "py")
    with pytest.raises(CourseError, match=r"pip install 'headcheck\[notebook\]', or release with --format py"):
        release_files(course, "both")


# What must not be


@pytest.mark.parametrize(
    "hidden",
    [
        "reference/tiny/double.py",
        "graders/tiny/double/hidden.py",
        "graders/tiny/double/misconceptions.py",
        "tests/alternatives/tiny/double/third.py",
        "reference/tiny/unlisted.py",
    ],
)
@pytest.mark.parametrize(
    "public", ["assignments/tiny/twice.py", "assignments/tiny/double.py", "graders/tiny/double/public.py"]
)
def test_two_hidden_lines_are_refused_with_their_places(own: Course, hidden: str, public: str) -> None:
    """Wherever they come from and wherever they stand, with other white space, in a comment, apart by trifles."""
    add(own.root / public, "\n# halves=X/4\n\n#)\n#   total = halves.exp( ).log()\n")
    line = (own.root / public).read_text().splitlines().index("# halves=X/4") + 1
    path = own.root / hidden
    path.write_text(path.read_text() + SECRET if path.exists() else SECRET)
    secret = path.read_text().splitlines().index("    halves = X / 4") + 1
    with pytest.raises(CourseError, match="nothing was released") as caught:
        release_files(own, "py")
    assert str(caught.value).startswith(f"{public}:{line} holds two lines of {hidden}:{secret}, which is hidden")


def test_hidden_lines_in_a_prompt_are_found_in_the_notebook(own: Course) -> None:
    """At their line of the file, though it is JSON, and there is no stub beside it."""
    double = own.exercises[0]
    add(double.reference, SECRET.replace("def double", "def other"))
    text = double.stub.read_text().replace("Example:", "    halves = X / 4\n    total = halves.exp().log()\n\nExample:")
    double.stub.write_text(text)
    with pytest.raises(
        CourseError, match=r"assignments/tiny/tiny\.ipynb:\d+ holds two lines of reference/tiny/double.py"
    ):
        release_files(own, "ipynb")


def test_one_hidden_line_is_no_secret(own: Course) -> None:
    """Nor are two that do not follow each other."""
    add(own.exercises[0].reference, SECRET)
    add(own.exercises[0].public, "\n# halves = X / 4\n# something else\n# total = halves.exp().log()\n")
    assert release_files(own, "both")


@pytest.mark.parametrize(
    ("public", "hidden"),
    [
        ("import collections\nimport functools\nimport itertools\n", ""),
        (
            '\n\ndef more(\n    X: int,\n    second: int,\n) -> int:\n    """What it is.\n\n    And more.\n    """\n',
            "    return X + second\n",
        ),
        ("\n\n@staticmethod\ndef more():\n    '''It does.'''\n", "    return 'something' * 4\n"),
        ('\nONE_NUMBER = 1\nOTHER_NUMBER = 2\n"""Both of them."""\n', ""),
    ],
)
def test_what_a_stub_and_its_reference_share_is_no_secret(own: Course, public: str, hidden: str) -> None:
    """Imports, signatures, docstrings, and names at the top."""
    double = own.exercises[0]
    add(double.stub, public + ("    ...\n" if hidden else ""))
    add(double.reference, public + hidden)
    assert release_files(own, "both")


def test_a_shared_signature_with_its_body_is_a_secret(own: Course) -> None:
    """What it takes is public, how it is done is not."""
    double = own.exercises[0]
    body = "\n\ndef more(X: int) -> int:\n    '''What it is.'''\n    halves = X / 4\n    return halves * 16\n"
    add(double.stub, body)
    add(double.reference, body)
    with pytest.raises(
        CourseError, match=r"assignments/tiny/double.py:\d+ holds two lines of reference/tiny/double.py"
    ):
        release_files(own, "py")


def test_ways_of_speaking_are_no_secret(own: Course) -> None:
    """Lines that two of the course's own public files have."""
    for exercise in own.exercises:
        add(exercise.public, "\n# queries, keys, values = case\n# attention = layer.eval()\n")
    add(own.exercises[0].hidden, "\n# queries, keys, values = case\n# attention = layer.eval()\n")
    assert release_files(own, "py")


def test_given_lines_are_no_secret_of_those_who_are_given_them(own: Course) -> None:
    """But of everybody else's."""
    (own.root / "assignments" / "given").mkdir()
    (own.root / "assignments" / "given" / "parts.py").write_text(SECRET)
    file = own.root / "assignments" / "course.toml"
    listed = file.read_text().replace('slug = "twice"\n', 'slug = "twice"\ngiven = ["given/parts.py"]\n')
    file.write_text(listed)
    course = read_course(own.root)
    add(course.exercises[1].reference, SECRET)
    assert release_files(course, "py")
    add(course.exercises[0].reference, SECRET)
    with pytest.raises(CourseError, match=r"assignments/given/parts.py:2 holds two lines of reference/tiny/double.py"):
        release_files(course, "py")


def test_a_hidden_file_that_is_no_python_is_compared_all_the_same(own: Course) -> None:
    """A draft with a mistake in it is as hidden."""
    (own.root / "reference" / "draft.py").write_text("def (:\n    halves = X / 4\n    total = halves.exp().log()\n")
    add(own.exercises[0].stub, "\n# halves = X / 4\n# total = halves.exp().log()\n")
    with pytest.raises(CourseError, match=r"reference/draft.py:2"):
        release_files(own, "py")


def test_translations_of_what_is_public_are_released(own: Course) -> None:
    """By their paths; those of what is hidden stay."""
    names = ["assignments/course.zh.po", "assignments/tiny/double.zh.po", "graders/tiny/double/public.zh.po"]
    for name in [*names, "graders/tiny/double/hidden.zh.po"]:
        (own.root / name).write_text("")
    assert [name for name in release_files(own, "py") if name.endswith(".po")] == names


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("assignments/notes.txt", "belongs to no exercise"),
        ("assignments/tiny/triple.py", "belongs to no exercise"),
        ("assignments/tiny/hidden.py", "has the name of a hidden file"),
        ("assignments/misconceptions.py", "has the name of a hidden file"),
        ("assignments/hidden.zh.po", "has the name of a hidden file"),
        ("assignments/tiny/triple.zh.po", "belongs to no exercise"),
        ("graders/tiny/triple/public.zh.po", "belongs to no exercise"),
        ("graders/tiny/triple/public.py", "belongs to no exercise"),
    ],
)
def test_a_file_that_is_not_on_the_list_is_refused(own: Course, name: str, says: str) -> None:
    """By its name."""
    (own.root / name).parent.mkdir(exist_ok=True)
    (own.root / name).write_text("")
    with pytest.raises(CourseError, match=says) as caught:
        release_files(own, "py")
    assert str(caught.value).startswith(name)


@pytest.mark.parametrize("given", ["../reference/tiny/double.py", "../graders/tiny/double/hidden.py", "given/link.py"])
def test_a_path_that_leads_elsewhere_is_refused(own: Course, given: str) -> None:
    """Out of the assignments, by dots or by a link."""
    (own.root / "assignments" / "given").mkdir()
    if given.endswith("link.py"):
        (own.root / "assignments" / given).symlink_to(own.exercises[0].reference)
    file = own.root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"\n', f'slug = "double"\ngiven = ["{given}"]\n'))
    with pytest.raises(CourseError, match="leads elsewhere"):
        release_files(read_course(own.root), "py")


def test_a_link_to_a_directory_is_refused(own: Course) -> None:
    """Nothing behind it is looked at."""
    (own.root / "assignments" / "more").symlink_to(own.root / "reference")
    with pytest.raises(CourseError, match="assignments/more leads elsewhere"):
        release_files(own, "py")


def test_a_stub_that_is_missing_is_said(own: Course) -> None:
    """Instead of a copy without it."""
    own.exercises[0].public.unlink()
    with pytest.raises(CourseError, match=r"graders/tiny/double/public.py cannot be released: No such file"):
        release_files(own, "py")


# What it may replace


def test_an_earlier_release_is_replaced(course: Course, tmp_path: Path) -> None:
    """By all of the new one; an empty directory, too."""
    out = tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    write_release(course, out, "both")
    write_release(course, out, "py")
    assert not (out / NOTEBOOK).exists()
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("work", ["changed", "added", "linked"])
def test_work_in_an_earlier_release_is_not_lost(course: Course, tmp_path: Path, work: str) -> None:
    """Neither in its files nor beside them."""
    out = tmp_path / "out"
    write_release(course, out, "py")
    stub = out / "assignments" / "tiny" / "double.py"
    if work == "changed":
        stub.write_text("def double(X): return 2 * X\n")
    elif work == "added":
        (out / "mine.txt").write_text("mine")
    else:
        stub.unlink()
        stub.symlink_to(course.exercises[0].stub)
    with pytest.raises(CourseError, match="was changed since it was released"):
        write_release(course, out, "both")
    assert not (out / NOTEBOOK).exists()


@pytest.mark.parametrize("kind", ["directory", "file", "link", "broken link", "course"])
def test_nothing_else_is_replaced(own: Course, tmp_path: Path, kind: str) -> None:
    """What is no release stays as it is."""
    out = own.root if kind == "course" else tmp_path / "out"
    if kind == "directory":
        out.mkdir()
        (out / "thesis.txt").write_text("years of work")
    elif kind == "file":
        out.write_text("years of work")
    elif kind != "course":
        out.symlink_to(tmp_path if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(CourseError, match=r"is not an earlier release|is in the way"):
        write_release(own, out, "py")
    assert own.exercises[0].reference.exists()


def test_a_failure_leaves_what_was_there(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier release is put back when the new one cannot take its place."""
    out = tmp_path / "out"
    write_release(course, out, "py")
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("the disk is full")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="the disk is full"):
        write_release(course, out, "both")
    assert (out / MANIFEST).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_notebook_is_released_without_outputs(course: Course) -> None:
    """It is the untouched one: no outputs, no counts."""
    content = json.loads(release_files(course, "both")[NOTEBOOK])
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all((cell["outputs"], cell["execution_count"]) == ([], None) for cell in code)
