"""Take in students' files as bytes, and nothing else: no link is followed, no pipe waited for, no line parsed.

The layout is nbgrader's: `submitted/<student>/<section>/<slug>.py`, `submitted/<student>/<section>/<section>.ipynb`, or
both. What a file holds is looked at only in the sandbox, and there, too, is decided which of the two counts for an
exercise: the file, unless nothing was written in it.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headcheck.course import notebook_of
from headcheck.errors import HeadcheckError, SubmissionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headcheck.course import Course, Exercise

MAX_NAME = 100
MAX_ENTRIES = 1000  # of a directory, looked through for names that went astray
MAX_DIRECTORIES = 100
MAX_STRANGERS = 200
RESERVED = ("report", "grades.csv")  # what stands beside the students in a directory of results
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = (".py", ".ipynb", ".txt")
_COPY = re.compile(r"([\s_-]*(\(\d+\)|copy|final|\d+))+$", re.IGNORECASE)
"""What saving a file once more adds to its name."""

_CLOSE = 0.85


@dataclass(frozen=True)
class Submission:
    """What one student handed in: the files by exercise id, why one was refused, and the notebooks by section.

    `astray` says, by exercise id, of a file that may be meant for it, and has another name.
    """

    student: str
    files: dict[str, bytes]
    refused: dict[str, str] = field(default_factory=dict)
    notebooks: dict[str, bytes] = field(default_factory=dict)
    astray: dict[str, str] = field(default_factory=dict)

    def may_hold(self, exercise: Exercise) -> bool:
        """Whether there is a file for the exercise, or a notebook that may hold it."""
        by_notebook = exercise.section in self.notebooks and exercise.id not in self.refused
        return exercise.id in self.files or by_notebook


def read_class(submitted: Path, course: Course) -> list[Submission]:
    """Everybody's work, in the order of their names."""
    names = student_names(submitted)
    if not names:
        raise HeadcheckError(
            f"{submitted} holds no submissions; they are expected as "
            f"{submitted}/<student>/<section>/<slug>.py or {submitted}/<student>/<section>/<section>.ipynb"
        )
    with _opened(str(submitted), None) as directory:
        return [read_submission(name, directory, course) for name in names]


def student_names(submitted: Path) -> list[str]:
    """The names of the students' directories; refuses names that two file systems would take for one."""
    try:
        entries = sorted(path.name for path in submitted.iterdir())
    except OSError as error:
        raise HeadcheckError(f"{submitted} cannot be read: {error.strerror}") from error
    names = [name for name in entries if not name.startswith(".") and _may_be_a_student(submitted / name)]
    seen: dict[str, str] = {}
    for name in names:
        if len(name) > MAX_NAME or not name.isprintable() or name in RESERVED:
            advice = f"rename the directory (at most {MAX_NAME} printable characters; not {', '.join(RESERVED)})"
            raise HeadcheckError(f"{name!r} cannot be a student's name: {advice}")
        key = unicodedata.normalize("NFKC", name).casefold()
        if key in seen:
            raise HeadcheckError(f"{seen[key]!r} and {name!r} in {submitted} may be one student: rename one of the two")
        seen[key] = name
    return names


def _may_be_a_student(path: Path) -> bool:
    """Directories are students; so are links, which are refused when they are read, by name and not in silence."""
    mode = os.lstat(path).st_mode
    return stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def read_submission(name: str, parent: int | None, course: Course, *, where: str | None = None) -> Submission:
    """One student's files, from the directory `where` (by default their name) below the open directory `parent`."""
    files: dict[str, bytes] = {}
    notebooks: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    astray: dict[str, str] = {}
    try:
        with _opened(where if where is not None else name, parent) as home:
            for exercise in course.exercises:
                try:
                    data = _read(exercise.section, f"{exercise.slug}.py", home, course.limits.source_kib)
                except SubmissionError as error:
                    refused[exercise.id] = str(error)
                else:
                    if data is not None:
                        files[exercise.id] = data
            for section in course.sections:
                try:
                    data = _read(section, f"{section}.ipynb", home, course.limits.notebook_kib)
                except SubmissionError as error:
                    without = [exercise.id for exercise in course.select(section) if exercise.id not in files]
                    refused = dict.fromkeys(without, str(error)) | refused
                else:
                    if data is not None:
                        notebooks[section] = data
            astray = _astray(home, course)
    except (SubmissionError, FileNotFoundError) as error:
        refused = {exercise.id: str(error) for exercise in course.exercises}
    return Submission(name, files, refused, notebooks, astray)


def _read(section_name: str, file_name: str, home: int, kib: int) -> bytes | None:
    """One file, if there is one; raises SubmissionError for anything but a plain file of a sensible size."""
    shown = f"{section_name}/{file_name}"
    limit = kib * 1024
    try:
        with _opened(section_name, home) as section:
            descriptor = os.open(file_name, _FILE, dir_fd=section)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SubmissionError(f"{shown} is not a plain file ({error.strerror})") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(f"{shown} is not a plain file")
        if status.st_nlink > 1:
            raise SubmissionError(f"{shown} has a second name (a hard link); hand in a copy")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        advice = "; clear its outputs and save it again" if file_name.endswith(".ipynb") else ""
        raise SubmissionError(f"{shown} is larger than {kib} KiB{advice}")
    return data


def _astray(home: int, course: Course) -> dict[str, str]:
    """Files whose names are nearly those of exercises, or of notebooks: only names are looked at, and not all."""
    expected = {exercise.file: [exercise.id] for exercise in course.exercises}
    notebooks = {notebook_of(section): course.select(section) for section in course.sections}
    expected |= {path: [exercise.id for exercise in held] for path, held in notebooks.items()}
    strangers = [path for path in _paths(home) if path.endswith(_KINDS) and path not in expected][:MAX_STRANGERS]
    found: dict[str, str] = {}
    for path in strangers:
        for wanted in _meant(path, list(expected)):
            message = f"{path} is not looked at: rename it to {wanted}, and check again"
            found = dict.fromkeys(expected[wanted], message) | found
    return found


def _meant(path: str, expected: list[str]) -> list[str]:
    """The expected file that one of another name is probably meant to be; of several that in its own directory."""
    place, name = PurePosixPath(path).parent, _plain(path)
    by_name: dict[str, str] = {}
    for wanted in sorted(expected, key=lambda wanted: PurePosixPath(wanted).parent != place):
        if _kind(wanted) == _kind(path):
            by_name.setdefault(_plain(wanted), wanted)
    near = get_close_matches(name, by_name, n=1, cutoff=_CLOSE)
    if near:
        return [by_name[near[0]]]
    return [wanted for wanted in [notebook_of(str(place))] if name.startswith("untitled") and wanted in expected]


def _plain(path: str) -> str:
    """What is left of a file's name when its kind, its spelling and what a copy adds are taken off."""
    stem = PurePosixPath(path).name.lower().removesuffix(".txt").removesuffix(_kind(path))
    return "".join(filter(str.isalnum, _COPY.sub("", stem)))


def _kind(path: str) -> str:
    return ".ipynb" if ".ipynb" in path.lower() else ".py"


def _paths(home: int) -> list[str]:
    """The names in a directory and, one step down, in its directories; no link is followed."""
    names = _entries(home)
    paths = list(names)
    for name in [name for name in names if "." not in name][:MAX_DIRECTORIES]:
        try:
            with _opened(name, home) as directory:
                paths += [f"{name}/{entry}" for entry in _entries(directory)]
        except (SubmissionError, OSError):
            continue
    return paths


def _entries(directory: int) -> list[str]:
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in islice(entries, MAX_ENTRIES) if _is_shown(entry.name))


def _is_shown(name: str) -> bool:
    return name[0] != "." and name.isprintable()


@contextmanager
def _opened(path: str, parent: int | None) -> Iterator[int]:
    """A directory, by its name below an open one; a link in its place is refused."""
    try:
        descriptor = os.open(path, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SubmissionError(f"{path} is not a plain directory ({error.strerror})") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_directory(directory: Path, course: Course) -> Submission:
    """One's own work in a directory of sections; links on the way to it are one's own affair."""
    return read_submission("you", None, course, where=str(directory.resolve()))
