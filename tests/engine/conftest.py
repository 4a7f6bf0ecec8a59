"""A tiny course, made anew in a temporary directory, and sandboxes of every level, started once for all tests."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch and numpy start threads: graders must be able to fork
os.environ["OPENBLAS_NUM_THREADS"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_START", None)  # this process is measured by now; what it starts need not be

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from headcheck.course import Limits, read_course
from headcheck.grading import Exams, Grader
from headcheck.sandbox import Layers, Sandbox, open_sandbox
from headcheck.scaffold import write_exercise
from headcheck.warm import count_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headcheck.course import Course, Exercise
    from headcheck.results import Level

COURSE = """title = "A tiny course"
seed = 3

[limits]
memory_mib = 512

[[section]]
name = "tiny"
title = "Tiny"
"""
GRADER = """import os, signal, time
import torch
from hypothesis import given
from hypothesis import strategies as st
from headcheck.compare import assert_close, assert_shape, assert_that, assert_zero
from headcheck.properties import misconception, worth
from headcheck.strategies import normal, seeds

HINTS = ("What happens to one number?", "What is added to it?")
"""
FORKS = "forks: grader processes are forked, for which pytest must have one thread (not with `--numprocesses`)"
NEEDLE = "a line of the reference that nobody may see"


def write_tiny_course(root: Path) -> Course:
    """Two exercises: `tiny/double`, whose reference holds a needle, and `tiny/twice`, which uses it."""
    (root / "assignments").mkdir(parents=True)
    (root / "assignments" / "course.toml").write_text(COURSE)
    write_exercise(read_course(root), "tiny/double", None)
    write_exercise(read_course(root), "tiny/twice", "Doubling by `double`")
    file = root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "twice"\n', 'slug = "twice"\nuses = ["tiny/double"]\n'))
    double, twice = read_course(root).exercises
    double.reference.write_text(double.reference.read_text() + f'\n\nNEEDLE = "{NEEDLE}"\n')
    text = twice.reference.read_text().replace("return 2 * X", "return double(X)")
    twice.reference.write_text(
        text.replace("from torch import Tensor", "from tiny.double import double\nfrom torch import Tensor")
    )
    return read_course(root)


def pytest_configure(config: pytest.Config) -> None:
    """The mark of tests that ask for `single_threaded`."""
    config.addinivalue_line("markers", FORKS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that they can be run by themselves."""
    for item in items:
        if "single_threaded" in getattr(item, "fixturenames", ()):
            item.add_marker("forks")


def require(condition: bool, reason: str) -> None:
    """Skip on a machine that lacks something; under CI that is a failure."""
    if not condition:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The tiny course, not to be changed."""
    return write_tiny_course(tmp_path_factory.mktemp("course") / "tiny")


@pytest.fixture
def write_course(tmp_path: Path) -> Callable[..., Course]:
    """Write a tiny course in which some files of `tiny/double` have another text; graders get their imports."""

    def write(**texts: str) -> Course:
        written = write_tiny_course(tmp_path / "course")
        double = written.exercises[0]
        for name, text in texts.items():
            head = "" if name in ("stub", "reference") else GRADER
            getattr(double, name).write_text(head + text)
        return written

    return write


@pytest.fixture
def double(course: Course) -> Exercise:
    """The exercise `tiny/double`."""
    return course.exercise("tiny/double")


@pytest.fixture(scope="session")
def exams(course: Course) -> Exams:
    """The exams of the tiny course, drawn once."""
    return Exams(course, course.seed)


@pytest.fixture(scope="session")
def limits() -> Limits:
    """Enough for an honest submission on a busy machine."""
    return Limits(call_seconds=20.0, exercise_seconds=60.0, memory_mib=512)


@pytest.fixture(scope="session")
def impatient() -> Limits:
    """Half a second a call."""
    return Limits(call_seconds=0.5, exercise_seconds=60.0, memory_mib=512)


def _open(level: Level, limits: Limits) -> Iterator[Sandbox]:
    sandbox, probes = open_sandbox(limits, at_most=level)
    try:
        require(sandbox.level == level, f"no sandbox of level {level} here: {probes}")
        yield sandbox
    finally:
        sandbox.close()


@pytest.fixture(scope="session")
def full(limits: Limits) -> Iterator[Sandbox]:
    """Namespaces, a filter of system calls, and Landlock."""
    yield from _open("full", limits)


@pytest.fixture(scope="session")
def strong(limits: Limits) -> Iterator[Sandbox]:
    """No namespaces."""
    yield from _open("strong", limits)


@pytest.fixture(scope="session")
def process(limits: Limits) -> Iterator[Sandbox]:
    """A process of its own, and limits."""
    yield from _open("process", limits)


@pytest.fixture(params=["full", "strong"])
def locked(request: pytest.FixtureRequest) -> Sandbox:
    """Every level at which a class may be graded."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["full", "strong", "process"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Every level."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def dead() -> Iterator[Sandbox]:
    """A sandbox whose warm process has been killed."""
    sandbox = Sandbox.launch(Layers(namespaces=False, seccomp=b"", landlock=False))
    sandbox._process.kill()
    sandbox._process.wait()
    yield sandbox
    sandbox.close()


@pytest.fixture
def grader(course: Course, exams: Exams, full: Sandbox) -> Grader:
    """A grader of the tiny course that keeps nothing."""
    return Grader(course, exams, full)


@pytest.fixture
def solved() -> SimpleNamespace:
    """Both exercises, right."""
    return SimpleNamespace(double=lambda X: 2 * X, twice=lambda X: 2 * X)


@pytest.fixture
def single_threaded() -> None:
    """What forks graders runs only where pytest itself has one thread (not with `--numprocesses`)."""
    require(count_threads() == 1, "graders are forked from one thread: set OMP_NUM_THREADS=1, no --numprocesses")
