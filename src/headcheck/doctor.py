"""Examine this machine: which locks hold a submission here, found by trying them, and what to do for those that do not.

`headcheck doctor` shows a `Checkup`: the locks as a real worker meets them, the versions, and what can run here.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headcheck.errors import SandboxError
from headcheck.lockdown import landlock_version
from headcheck.sandbox import ATTEMPTS, open_sandbox
from headcheck.student import Connection
from headcheck.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headcheck.course import Course, Exercise, Limits
    from headcheck.results import Level
    from headcheck.sandbox import Probes, Sandbox

LIBRARIES = ("torch", "numpy", "hypothesis")
SETTINGS = {
    "kernel.apparmor_restrict_unprivileged_userns": (
        "1",
        (
            "AppArmor keeps ordinary users from namespaces (Ubuntu 23.10 and later): allow them to bwrap by the "
            "profile bwrap-userns-restrict of the package apparmor-profiles, or to all by "
            "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
        ),
    ),
    "kernel.unprivileged_userns_clone": (
        "0",
        "this kernel keeps ordinary users from namespaces: `sysctl kernel.unprivileged_userns_clone=1`",
    ),
    "user.max_user_namespaces": (
        "0",
        "this kernel allows no user namespaces: `sysctl user.max_user_namespaces=10000`",
    ),
}
IN_A_CONTAINER = (
    "this is a container, in which namespaces want (Docker, Podman) "
    "`--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined`"
)
NO_LANDLOCK = "this kernel has no Landlock: it came with Linux 5.13, and `landlock` must stand in the boot option lsm="


@dataclass(frozen=True)
class Line:
    """One thing that was looked at, and whether it is as it should be."""

    name: str
    good: bool
    said: str


@dataclass(frozen=True)
class Checkup:
    """What was found: the sandbox's level (None: no worker starts), lines under their headings, and what to do."""

    level: Level | None
    groups: dict[str, list[Line]]
    advice: list[str]

    @property
    def may_grade(self) -> bool:
        return self.level in ("full", "strong")


def check_up(limits: Limits, course: Course | None) -> Checkup:
    """Start the strongest sandbox that works here, and look."""
    libraries = _versions(course)
    try:
        sandbox, probes = open_sandbox(limits)
    except SandboxError as error:
        return Checkup(None, {"Versions": libraries}, [f"no worker starts: {error}"])
    try:
        groups = {"Locks": _locks(sandbox), "Attempts of a worker": _attempts(sandbox, probes, limits)}
    finally:
        sandbox.close()
    said = list(probes.missing)
    if probes.level != "full" and shutil.which("bwrap"):
        said += what_forbids_namespaces()
    if not landlock_version():
        said.append(NO_LANDLOCK)
    return Checkup(probes.level, groups | {"Versions": libraries}, said)


def what_forbids_namespaces(root: Path = Path("/")) -> list[str]:
    """What keeps this system from namespaces, and what to do about it; `root` is where /proc and /run are."""
    said = []
    for name, (bad, text) in SETTINGS.items():
        setting = root / "proc/sys" / name.replace(".", "/")
        if setting.is_file() and setting.read_text().strip() == bad:
            said.append(text)
    if any((root / name).exists() for name in (".dockerenv", "run/.containerenv")):
        said.append(IN_A_CONTAINER)
    return said


def view(checkup: Checkup) -> RenderableType:
    """The checkup as a table for a terminal."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, lines in checkup.groups.items():
        table.add_row(Text(f"\n{heading}", "bold"))
        for line in lines:
            mark, style = ("ok", "green") if line.good else ("LOOK", "bold yellow")
            table.add_row(Text(f"  {visible(line.name)}"), Text(mark, style), Text(visible(line.said)))
    parts: list[RenderableType] = [_level_text(checkup), table]
    if checkup.advice:
        parts.append(Text("\nTo do", "bold"))
        parts += [Padding(Text(f"- {visible(each)}"), (0, 0, 0, 2)) for each in checkup.advice]
    return Group(*parts, Text(), *_what_can_run(checkup))


def _level_text(checkup: Checkup) -> Text:
    style = "green" if checkup.may_grade else "bold yellow"
    return Text.assemble("sandbox level: ", (checkup.level or "none", style))


def _what_can_run(checkup: Checkup) -> list[Text]:
    grading = "runs here" if checkup.may_grade else "does not run here"
    if checkup.level == "process":
        grading += " unless told --weak-sandbox, which is written into every result"
    checking = "runs here" if checkup.level else "does not run here"
    return [Text(f"headcheck check {checking}."), Text(f"headcheck grade {grading}.")]


def _locks(sandbox: Sandbox) -> list[Line]:
    layers, abi = sandbox.layers, landlock_version()
    bubblewrap = shutil.which("bwrap")
    return [
        Line(
            "namespaces",
            layers.namespaces,
            f"by {bubblewrap}" if layers.namespaces else f"{bubblewrap or 'bubblewrap'} is not in use",
        ),
        Line("seccomp", bool(layers.seccomp), "by libseccomp" if layers.seccomp else "libseccomp is not in use"),
        Line("Landlock", layers.landlock, f"version {abi} of the kernel's interface" if abi else "not in this kernel"),
    ]


_LOOK = """
import os, resource

def refused(act):
    try:
        act()
    except (OSError, ValueError, MemoryError):
        return True
    return False

seen = [
    os.getuid(),
    [resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0] for name in ("CPU", "FSIZE", "NOFILE")],
    refused(lambda: bytearray({memory} * 2**20)),
    refused(lambda: resource.setrlimit(resource.RLIMIT_CPU, (9999, 9999))),
    not os.path.exists({needle!r}),
]
"""


def _attempts(sandbox: Sandbox, probes: Probes, limits: Limits) -> list[Line]:
    """What a worker was kept from, and what it was not."""
    lines = [
        Line(name, name not in probes.breaches, "done" if name in probes.breaches else "refused") for name in ATTEMPTS
    ]
    user, (cpu, written, files), memory, raised, unseen = _look(sandbox, limits)
    return [
        *lines,
        Line("see that a file exists", unseen, "refused" if unseen else "done: only namespaces hide names"),
        Line("raise its own limits", raised, "refused" if raised else "done"),
        Line(f"use {limits.memory_mib:,} MiB of memory and more", memory, "refused" if memory else "done"),
        Line("be root", user != 0, f"it is user {user}"),
        Line("use more than its share", True, f"{cpu} s of CPU, {written} bytes written, {files} files open at most"),
    ]


def _look(sandbox: Sandbox, limits: Limits) -> tuple[int, list[int], bool, bool, bool]:
    """What another worker sees of itself."""
    with tempfile.NamedTemporaryFile(prefix="headcheck-needle-") as needle:
        source = _LOOK.format(memory=limits.memory_mib + 64, needle=needle.name)
        worker = sandbox.fork(limits)
        try:
            worker.load({"look": source.encode()}, "look", ())
            user, numbers, memory, raised, unseen = Connection(worker).get(0, "seen")
        finally:
            if worker.alive:
                worker.end()
    return user, numbers, memory, raised, unseen


def _versions(course: Course | None) -> list[Line]:
    """Python's, torch's, and those of the libraries that the course's exercises need."""
    lines = [Line("Python", True, f"{platform.python_version()} on {platform.platform()}")]
    lines += [Line(name, True, version(name)) for name in ("headcheck", *LIBRARIES)]
    needs = {name.partition(".")[0]: exercise.id for exercise in _exercises(course) for name in exercise.needs}
    distributions = packages_distributions()
    return lines + [_library(name, exercise, distributions) for name, exercise in sorted(needs.items())]


def _exercises(course: Course | None) -> Iterable[Exercise]:
    return course.exercises if course else ()


def _library(name: str, exercise: str, distributions: Mapping[str, list[str]]) -> Line:
    for distribution in distributions.get(name, ()):
        return Line(distribution, True, version(distribution))
    return Line(name, False, f"{exercise} needs it: pip install 'headcheck[attention]'")
