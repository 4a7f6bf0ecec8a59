"""The doctor: what it finds on this machine, on a weaker one, and what it says to do."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from headcheck.course import read_course
from headcheck.doctor import IN_A_CONTAINER, check_up, view, what_forbids_namespaces
from headcheck.sandbox import ATTEMPTS, BUBBLEWRAP_MISSING
from headcheck.system_calls import LIBSECCOMP_MISSING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headcheck.course import Course, Limits
    from headcheck.doctor import Checkup


def worries(checkup: Checkup) -> set[str]:
    """The names of all that is not as it should be."""
    return {line.name for lines in checkup.groups.values() for line in lines if not line.good}


def text(checkup: Checkup) -> str:
    """The view in one line."""
    console = Console(file=io.StringIO(), width=200)
    console.print(view(checkup))
    return " ".join(console.file.getvalue().split())


@pytest.mark.usefixtures("full")
def test_a_machine_with_every_lock_has_no_worries(limits: Limits, course: Course) -> None:
    """Each lock is named, each attempt refused, each version said."""
    checkup = check_up(limits, course)
    assert (checkup.level, checkup.may_grade, worries(checkup), checkup.advice) == ("full", True, set(), [])
    assert set(ATTEMPTS) < {line.name for line in checkup.groups["Attempts of a worker"]}
    said = text(checkup)
    assert said.startswith("sandbox level: full Locks namespaces ok by /")
    assert "see that a file exists ok refused" in said
    assert "use 512 MiB of memory and more ok refused" in said
    assert f"Python ok {sys.version.split()[0]}" in said
    assert said.endswith("headcheck check runs here. headcheck grade runs here.")


@pytest.mark.usefixtures("strong")
def test_without_bubblewrap_grading_is_possible_and_the_package_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: Limits
) -> None:
    """What only namespaces do is not done, and said; nobody blames a container that was not even tried."""
    monkeypatch.setenv("PATH", str(tmp_path))
    checkup = check_up(limits, None)
    assert (checkup.level, checkup.may_grade) == ("strong", True)
    assert worries(checkup) == {"namespaces", "see that a file exists"}
    assert BUBBLEWRAP_MISSING in checkup.advice
    assert IN_A_CONTAINER not in checkup.advice


def test_without_libseccomp_nothing_is_graded(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    """What a plain process could do is marked, and how to go on is said."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    checkup = check_up(limits, None)
    assert (checkup.level, checkup.may_grade) == ("process", False)
    assert {"namespaces", "seccomp", "Landlock", "fork", "connect to the network", "read another file"} < worries(
        checkup
    )
    assert LIBSECCOMP_MISSING in checkup.advice
    said = text(checkup)
    assert "fork LOOK done" in said
    assert "headcheck check runs here. headcheck grade does not run here unless told --weak-sandbox" in said


def test_a_machine_on_which_nothing_starts_is_told_why(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    """Neither command runs; versions are said all the same."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    checkup = check_up(limits, None)
    assert (checkup.level, checkup.may_grade) == (None, False)
    said = text(checkup)
    assert "torch ok" in said
    assert "no worker starts: the warm process ended" in said
    assert said.endswith("headcheck check does not run here. headcheck grade does not run here.")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "bwrap-userns-restrict"),
        ("proc/sys/kernel/unprivileged_userns_clone", "0\n", "sysctl kernel.unprivileged_userns_clone=1"),
        ("proc/sys/user/max_user_namespaces", "0\n", "sysctl user.max_user_namespaces"),
        (".dockerenv", "", "--cap-add SYS_ADMIN"),
        ("run/.containerenv", "", "--security-opt seccomp=unconfined"),
    ],
)
def test_what_forbids_namespaces_is_named_with_its_remedy(tmp_path: Path, file: str, content: str, said: str) -> None:
    """Settings of the kernel, and containers; one that allows them is no news."""
    assert what_forbids_namespaces(tmp_path) == []
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    (found,) = what_forbids_namespaces(tmp_path)
    assert said in found
    if content:
        path.write_text("10000\n")
        assert what_forbids_namespaces(tmp_path) == []


@pytest.mark.usefixtures("full")
def test_a_library_that_the_course_needs_and_lacks_is_named(
    write_course: Callable[..., Course], limits: Limits
) -> None:
    """With the exercise, and the command that brings it; one that is there has its version."""
    root = write_course().root
    file = root / "assignments" / "course.toml"
    needs = 'needs = ["nowhere.at_all", "click.testing"]'
    install = 'install = ["headcheck", "nowhere>=2"]\n'
    file.write_text(install + file.read_text().replace('slug = "double"\n', f'slug = "double"\n{needs}\n'))
    checkup = check_up(limits, read_course(root))
    assert worries(checkup) == {"nowhere"}
    assert "click ok 8." in text(checkup)
    assert 'nowhere LOOK tiny/double needs it: pip install "headcheck" "nowhere>=2"' in text(checkup)
