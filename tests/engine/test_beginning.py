"""One's own copy of the chapter: everything that is public, nothing that is hidden, and nothing overwritten."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headcheck.beginning import CHAPTER, missing_libraries, shipped_course, write_copy
from headcheck.course import read_course
from headcheck.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.course import Course

HIDDEN = re.compile(r"reference|hidden|misconceptions|alternatives")


def names(directory: Path) -> set[str]:
    """All files below it."""
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_a_copy_holds_what_is_public(course: Course, tmp_path: Path) -> None:
    """It is a course in which everything is blank."""
    copy = write_copy(course, tmp_path / "mine", "py")
    assert names(copy.root) == {
        "README.md",
        "assignments/course.toml",
        *(f"assignments/tiny/{slug}.py" for slug in ("double", "twice")),
        *(f"graders/tiny/{slug}/public.py" for slug in ("double", "twice")),
    }
    assert not copy.has_hidden_files


@pytest.mark.parametrize(("form", "files", "notebooks"), [("ipynb", 0, 1), ("both", 2, 1)])
def test_a_copy_is_files_notebooks_or_both(
    course: Course, tmp_path: Path, form: str, files: int, notebooks: int
) -> None:
    """As it was asked for."""
    write_copy(course, tmp_path / "mine", form)  # type: ignore[arg-type]
    found = names(tmp_path / "mine" / "assignments")
    assert sum(name.endswith(".py") for name in found) == files
    assert sum(name.endswith(".ipynb") for name in found) == notebooks


def test_an_empty_directory_is_filled(course: Course, tmp_path: Path) -> None:
    """It may be the one in which somebody stands."""
    (tmp_path / "mine").mkdir()
    assert write_copy(course, tmp_path / "mine", "py").root == (tmp_path / "mine").resolve()


def test_nothing_is_overwritten(course: Course, tmp_path: Path) -> None:
    """A directory with anything in it is refused, and left as it is; so is a file."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".notes").write_text("dear diary")
    with pytest.raises(CourseError, match="is not empty, and nothing in it is overwritten"):
        write_copy(course, tmp_path / "mine", "py")
    assert names(tmp_path) == {"mine/.notes"}
    with pytest.raises(CourseError, match="is no directory"):
        write_copy(course, tmp_path / "mine" / ".notes", "py")


def test_a_copy_that_would_show_a_secret_is_refused(write_course: Callable[..., Course], tmp_path: Path) -> None:
    """As a release would be."""
    course = write_course()
    lines = "    twice = [value + value for value in X]\n    return torch.stack(twice)\n"
    course.exercises[0].reference.write_text(f"def double(X):\n{lines}")
    course.exercises[0].stub.write_text(f'"""# T"""\n\n\ndef double(X):\n{lines}')
    with pytest.raises(CourseError, match="which is hidden"):
        write_copy(course, tmp_path / "mine", "py")


def test_the_chapter_is_the_packages_or_the_checkouts(course: Course, tmp_path: Path) -> None:
    """An installation without either says so."""
    package = tmp_path / "src" / "headcheck"
    package.mkdir(parents=True)
    with pytest.raises(CourseError, match="holds no exercises"):
        shipped_course(package)
    shutil.copytree(course.root / "assignments", tmp_path / "assignments")
    assert shipped_course(package).root == tmp_path.resolve()
    shutil.copytree(course.root / "assignments", package / CHAPTER / "assignments")
    assert shipped_course(package).root == (package / CHAPTER).resolve()


def test_the_checkouts_chapter_is_found() -> None:
    """Where the tests run."""
    assert shipped_course().root == Path(__file__).resolve().parents[2]


def test_what_is_not_installed_is_named(write_course: Callable[..., Course]) -> None:
    """With the command that brings it; nothing where all is there."""
    course = write_course()
    assert missing_libraries(course) == ""
    file = course.root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"\n', 'slug = "double"\nneeds = ["nowhere"]\n'))
    assert 'install it with: pip install "headcheck"' in missing_libraries(read_course(course.root))
