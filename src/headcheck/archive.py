"""Results on disk: written whole or not at all, found again by what they are the result of.

`<results>/<student>/<section>.json` is what everything else is made from. `<results>/.cache/` keeps the result of each
exercise under the hash of its submission, its graders, the versions of the engine and of what it grades with, the seed
and the sandbox's level: a killed run resumes from it, equal files are graded once, and a change grades again only what
it touches.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import tempfile
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from headcheck import __version__
from headcheck.errors import HeadcheckError, ResultsError
from headcheck.results import exercise_from_json, section_from_json, section_result, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import IO

    from headcheck.results import ExerciseResult, Level, SectionResult

CACHE = ".cache"
PART = ".part"
LIBRARIES = ("torch", "numpy", "hypothesis")
"""What an exercise's result depends on besides headcheck and Python."""
PATIENCE = 10.0  # seconds for the grader processes of a run that was killed to be gone


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep a directory of results to this run and the processes that it forks, and free of half-written files.

    The kernel lets go of the lock when the last of them has ended, however that came about.
    """
    path = directory / CACHE / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise _not_written(path, error) from error
    with file:
        _lock(file, directory)
        _sweep(directory)
        try:
            yield
        finally:
            _sweep(directory)


def _lock(file: IO[bytes], directory: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                advice = "wait until it has ended, or choose another directory with -o"
                raise ResultsError(f"another `headcheck grade` writes to {directory}: {advice}") from error
            time.sleep(0.05)
        else:
            return


def _sweep(directory: Path) -> None:
    """Remove what a process that was killed had begun to write."""
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.startswith(".") and name.endswith(PART):
                Path(folder, name).unlink()


def write_atomically(path: Path, data: bytes) -> None:
    """The file has its old content or all of the new one, whatever happens."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> ResultsError:
    advice = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "see to it"
    return ResultsError(
        f"{path} could not be written ({error.strerror}). What was written before is whole: {advice} and run the same "
        "command again, it goes on from there."
    )


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=PART)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


@contextlib.contextmanager
def tree_beside(directory: Path, files: Mapping[str, bytes]) -> Iterator[Path]:
    """A new directory with all these files, beside the one that it is to become: renamed to it, all is there at once.

    What is left beside it at the end is removed.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as temporary:
        new = Path(temporary, "new")
        for name, data in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        yield new


def write_section(directory: Path, result: SectionResult) -> None:
    """Keep one section of one submission."""
    write_atomically(_place(directory, result), to_json(result))


def with_others(directory: Path, result: SectionResult, exercises: Sequence[str]) -> SectionResult:
    """A section of which not all exercises were graded, with the others as they were under its seed and sandbox.

    `exercises` are the ids of the whole section, in order.
    """
    path = _place(directory, result)
    found = {each.exercise: each for each in result.exercises}
    if found.keys() >= set(exercises) or not path.exists():
        return result
    earlier = section_from_json(path.read_bytes(), str(path))
    if (earlier.sandbox, earlier.seed) != (result.sandbox, result.seed):
        return result
    found = {each.exercise: each for each in earlier.exercises} | found
    whole = [found[name] for name in exercises if name in found]
    return section_result(result.student, result.section, result.sandbox, result.seed, whole)


def _place(directory: Path, result: SectionResult) -> Path:
    return directory / result.student / f"{result.section}.json"


def read_sections(directory: Path, each: Callable[[Collection[Path]], Iterable[Path]] = iter) -> list[SectionResult]:
    """All results in a directory, by student and section; files are read as `each` hands them out."""
    paths = sorted(path for path in directory.glob("*/*.json") if not path.parent.name.startswith("."))
    if not paths:
        raise HeadcheckError(f"{directory} holds no results; make some with `headcheck grade SUBMITTED -o {directory}`")
    return [section_from_json(path.read_bytes(), str(path)) for path in each(paths)]


def result_key(fingerprint: str, sources: Mapping[str, bytes], *, seed: int, level: Level) -> str:
    """What an exercise's result depends on, as a hash."""
    digest = hashlib.sha256(repr((_versions(), fingerprint, seed, level)).encode())
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    return digest.hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    """Of Python the first two numbers, of all else whole; nothing is imported for it."""
    return (__version__, ".".join(platform.python_version_tuple()[:2]), *map(version, LIBRARIES))


def recall(directory: Path, key: str) -> ExerciseResult | None:
    """The result kept under this key, if there is one; one that cannot be read counts as none."""
    path = directory / CACHE / key[:2] / f"{key}.json"
    try:
        return exercise_from_json(path.read_bytes(), str(path))
    except (OSError, HeadcheckError):
        return None


def remember(directory: Path, key: str, result: ExerciseResult) -> None:
    """Keep a result under its key."""
    write_atomically(directory / CACHE / key[:2] / f"{key}.json", to_json(result))
