"""How many of an exercise's further hints somebody has seen: kept beside the course, forgotten when it passes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from headcheck.archive import write_atomically
from headcheck.errors import ResultsError

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = ".headcheck"
FILE = "hints.json"


def seen(root: Path) -> dict[str, int]:
    """How many hints of which exercise; none where nothing was kept, or what was kept cannot be read."""
    try:
        return msgspec.json.decode((root / DIRECTORY / FILE).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def further(root: Path, exercise: str, available: tuple[str, ...]) -> tuple[str, ...]:
    """The hints that somebody has seen when they ask once more."""
    return available[: one_more(root, exercise, len(available))] if available else ()


def one_more(root: Path, exercise: str, available: int) -> int:
    """Count one more hint of the exercise as seen, as far as there are any; how many that makes."""
    kept = seen(root)
    number = min(max(kept.get(exercise, 0), 0) + 1, available)
    _keep(root, kept | {exercise: number})
    return number


def forget(root: Path, exercise: str) -> None:
    """Start over with an exercise."""
    kept = seen(root)
    if kept.pop(exercise, None) is not None:
        _keep(root, kept)


def _keep(root: Path, kept: dict[str, int]) -> None:
    directory = root / DIRECTORY
    with contextlib.suppress(ResultsError):  # a directory that is not one's own: every hint is the first
        write_atomically(directory / FILE, msgspec.json.encode(kept))
        write_atomically(directory / ".gitignore", b"*\n")
