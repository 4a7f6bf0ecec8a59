"""How many hints somebody has seen is kept, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headcheck.hints import DIRECTORY, FILE, forget, one_more, seen

if TYPE_CHECKING:
    from pathlib import Path


def test_each_time_it_is_one_more_until_there_are_no_more(tmp_path: Path) -> None:
    """Of each exercise by itself."""
    assert [one_more(tmp_path, "a/b", 2) for _ in range(3)] == [1, 2, 2]
    assert one_more(tmp_path, "a/c", 2) == 1
    assert seen(tmp_path) == {"a/b": 2, "a/c": 1}


def test_an_exercise_starts_over_when_it_is_forgotten(tmp_path: Path) -> None:
    """And only that one; to forget what is not there is nothing."""
    one_more(tmp_path, "a/b", 2)
    one_more(tmp_path, "a/c", 2)
    forget(tmp_path, "a/b")
    forget(tmp_path, "a/b")
    assert seen(tmp_path) == {"a/c": 1}


@pytest.mark.parametrize("content", [b"", b"not JSON", b'{"a/b": "two"}', b"\xff", b'{"a/b": -3}'])
def test_a_file_that_cannot_be_used_is_no_file(tmp_path: Path, content: bytes) -> None:
    """One starts over."""
    path = tmp_path / DIRECTORY / FILE
    path.parent.mkdir()
    path.write_bytes(content)
    assert one_more(tmp_path, "a/b", 2) == 1
    assert seen(tmp_path) == {"a/b": 1}


def test_git_does_not_see_it(tmp_path: Path) -> None:
    """The directory says so itself, wherever the course lies."""
    one_more(tmp_path, "a/b", 2)
    assert (tmp_path / DIRECTORY / ".gitignore").read_text() == "*\n"


def test_where_nothing_can_be_written_the_hint_is_the_first(tmp_path: Path) -> None:
    """A hint is better than an error."""
    (tmp_path / DIRECTORY).write_text("in the way")
    assert [one_more(tmp_path, "a/b", 2) for _ in range(2)] == [1, 1]
