"""A new exercise is complete, passes its audit, and overwrites nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headcheck.audit import audit, unexpected_files
from headcheck.course import read_course
from headcheck.errors import CourseError
from headcheck.scaffold import write_exercise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headcheck.course import Course

TWO_SECTIONS = """title = "T"

[[section]]
name = "a"
title = "A"

# the next
[[section]]
name='b'  # written another way
title = "B"
"""


def test_a_new_exercise_passes_its_own_audit(course: Course) -> None:
    """What an author starts from is proven before the first change, also where it uses another exercise."""
    found = [audit(course, exercise, seed=course.seed).findings for exercise in course.exercises]
    assert found == [[], []]
    assert unexpected_files(course) == []


def test_a_new_exercise_is_listed_last_in_its_section(tmp_path: Path) -> None:
    """The other lines of course.toml, and the other sections, stay as they are."""
    path = tmp_path / "assignments" / "course.toml"
    path.parent.mkdir()
    path.write_text(TWO_SECTIONS)
    before = [line for line in path.read_text().splitlines() if line]
    for name in ("b/one", "a/two", "a/three"):
        write_exercise(read_course(tmp_path), name, None)
    assert [exercise.id for exercise in read_course(tmp_path).exercises] == ["a/two", "a/three", "b/one"]
    assert [line for line in path.read_text().splitlines() if line and line in before] == before


def test_the_title_is_the_slug_in_words_or_what_was_asked_for(course: Course) -> None:
    """A title may hold whatever TOML allows in a string."""
    assert [exercise.title for exercise in course.exercises] == ["Double", "Doubling by `double`"]


def test_a_title_with_quotes_is_written_as_it_is(write_course: Callable[..., Course]) -> None:
    """Quotes and backslashes survive course.toml."""
    write_exercise(course := write_course(), "tiny/third", 'A "third" \\ one')
    assert read_course(course.root).exercise("tiny/third").title == 'A "third" \\ one'


def test_every_written_file_is_named(write_course: Callable[..., Course]) -> None:
    """The author is told which files there are now, course.toml among them."""
    course = write_course()
    written = write_exercise(course, "tiny/third", None)
    third = read_course(course.root).exercise("tiny/third")
    assert set(written) == {
        third.stub, third.reference, third.public, third.hidden, third.misconceptions, *third.alternatives,
        course.root / "assignments" / "course.toml",
    }  # fmt: skip


def test_nothing_is_overwritten(write_course: Callable[..., Course]) -> None:
    """One file that is there already is enough to refuse, and no other is written."""
    course = write_course()
    there = course.root / "graders" / "tiny" / "third" / "hidden.py"
    there.parent.mkdir()
    there.write_text("mine")
    with pytest.raises(CourseError, match="exists already; choose another slug"):
        write_exercise(course, "tiny/third", None)
    assert there.read_text() == "mine"
    assert not (course.root / "assignments" / "tiny" / "third.py").exists()


@pytest.mark.parametrize("name", ["third", "tiny/", "tiny/third-one", "tiny/a/b", "../x", "tiny/lambda"])
def test_a_name_that_no_module_could_have_is_refused(course: Course, name: str) -> None:
    """SECTION/SLUG are two Python identifiers, and a function can have the name of the slug."""
    with pytest.raises(CourseError, match="is not SECTION/SLUG with two Python identifiers"):
        write_exercise(course, name, None)


def test_an_unknown_section_is_refused_with_those_there_are(course: Course) -> None:
    """A section is made in course.toml first."""
    with pytest.raises(CourseError, match=r"no section 'huge' in assignments/course.toml; there are: tiny"):
        write_exercise(course, "huge/third", None)


def test_a_section_that_cannot_be_found_in_the_text_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """TOML can be written in ways that `headcheck new` cannot add to."""
    path = tmp_path / "assignments" / "course.toml"
    path.parent.mkdir()
    path.write_text('title = "T"\nsection = [{name = "a", title = "A"}]\n')
    with pytest.raises(CourseError, match=r"cannot be added to section 'a'"):
        write_exercise(read_course(tmp_path), "a/one", None)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]
