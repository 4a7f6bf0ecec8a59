"""Examine this machine: which locks hold a submission here, found by trying them, and what to do for those that do not.

`headcheck doctor` shows a `Checkup`: the locks as a real worker meets them, the versions, and what can run here. What
was found is said in the language; names of attempts and advice, which others compare, are translated where it is shown.
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

from headcheck.archive import LIBRARIES
from headcheck.errors import SandboxError
from headcheck.language import say, translated
from headcheck.lockdown import landlock_version
from headcheck.sandbox import ATTEMPTS, open_sandbox
from headcheck.student import Connection
from headcheck.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headcheck.course import Course, Exercise, Limits
    from headcheck.results import Level
    from headcheck.sandbox import Probes, Sandbox

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
        return Checkup(None, {say("Versions"): libraries}, [f"no worker starts: {error}"])
    try:
        groups = {say("Locks"): _locks(sandbox), say("Attempts of a worker"): _attempts(sandbox, probes, limits)}
    finally:
        sandbox.close()
    said = list(probes.missing)
    if probes.level != "full" and shutil.which("bwrap"):
        said += what_forbids_namespaces()
    if not landlock_version():
        said.append(NO_LANDLOCK)
    return Checkup(probes.level, groups | {say("Versions"): libraries}, said)


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
            mark, style = (say("ok"), "green") if line.good else (say("LOOK"), "bold yellow")
            table.add_row(Text(f"  {visible(translated(line.name))}"), Text(mark, style), Text(visible(line.said)))
    parts: list[RenderableType] = [_level_text(checkup), table]
    if checkup.advice:
        parts.append(Text(f"\n{say('To do')}", "bold"))
        parts += [Padding(Text(f"- {visible(translated(each))}"), (0, 0, 0, 2)) for each in checkup.advice]
    return Group(*parts, Text(), *_what_can_run(checkup))


def _level_text(checkup: Checkup) -> Text:
    said = say("sandbox level: {level}", level=checkup.level) if checkup.level else say("sandbox level: none")
    return Text(said, "green" if checkup.may_grade else "bold yellow")


def _what_can_run(checkup: Checkup) -> list[Text]:
    checking = say("headcheck check runs here.") if checkup.level else say("headcheck check does not run here.")
    grading = say("headcheck grade runs here.") if checkup.may_grade else say("headcheck grade does not run here.")
    if checkup.level == "process":
        grading = say(
            "headcheck grade does not run here unless told --weak-sandbox, which is written into every result."
        )
    return [Text(checking), Text(grading)]


def _locks(sandbox: Sandbox) -> list[Line]:
    layers, abi = sandbox.layers, landlock_version()
    bubblewrap = shutil.which("bwrap")
    return [
        Line(
            "namespaces",
            layers.namespaces,
            say("by {program}", program=bubblewrap)
            if layers.namespaces
            else say("{program} is not in use", program=bubblewrap or "bubblewrap"),
        ),
        Line(
            "seccomp",
            bool(layers.seccomp),
            say("by {program}", program="libseccomp")
            if layers.seccomp
            else say("{program} is not in use", program="libseccomp"),
        ),
        Line(
            "Landlock",
            layers.landlock,
            say("version {number} of the kernel's interface", number=abi) if abi else say("not in this kernel"),
        ),
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
    user, (cpu, written, files), memory, raised, unseen = _look(sandbox, limits)
    kept_from = {name: name not in probes.breaches for name in ATTEMPTS} | {
        "raise its own limits": raised,
        f"use {limits.memory_mib:,} MiB of memory and more": memory,
    }
    share = {"cpu": cpu, "written": written, "files": files}
    return [
        *(Line(name, good, say("refused") if good else say("done")) for name, good in kept_from.items()),
        Line(
            "see that a file exists",
            unseen,
            say("refused") if unseen else say("done: only namespaces hide names"),
        ),
        Line("be root", user != 0, say("it is user {number}", number=user)),
        Line(
            "use more than its share",
            True,
            say("{cpu} s of CPU, {written} bytes written, {files} files open at most", **share),
        ),
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
    python = say("{version} on {system}", version=platform.python_version(), system=platform.platform())
    lines = [Line("Python", True, python)]
    lines += [Line(name, True, version(name)) for name in ("headcheck", *LIBRARIES)]
    needs = {name.partition(".")[0]: exercise.id for exercise in _exercises(course) for name in exercise.needs}
    distributions = packages_distributions()
    installation = course.installation if course else ""
    return lines + [_library(name, exercise, distributions, installation) for name, exercise in sorted(needs.items())]


def _exercises(course: Course | None) -> Iterable[Exercise]:
    return course.exercises if course else ()


def _library(name: str, exercise: str, distributions: Mapping[str, list[str]], installation: str) -> Line:
    for distribution in distributions.get(name, ()):
        return Line(distribution, True, version(distribution))
    return Line(name, False, say("{exercise} needs it: {command}", exercise=exercise, command=installation))
