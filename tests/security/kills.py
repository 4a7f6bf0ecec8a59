"""Kill headcheck at random moments while it grades a class, and see that nothing is lost.

    python tests/security/kills.py --kills 200 --seed 1

A class of forty is graded once undisturbed. Then it is graded again and again, and SIGKILL goes at random to the main
process, a grader process, a sandbox or a worker. When the main process is killed, the same command is given again, as
an instructor would. At the end of each run the results must be those of the undisturbed one, but for the seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from headcheck.lockdown import adopt_orphans

STUDENTS = 40
KINDS = {"main": 1, "grader": 2, "sandbox": 2, "worker": 4}  # and how often each is the victim
PAUSE = (0.02, 2.0)  # seconds between kills
EARLY = 0.2  # of the starts may be disturbed before there are graders
LIMITS = "call_seconds = 2\nexercise_seconds = 20\nmemory_mib = 512"
DOUBLES = {
    "right": "def double(X):\n    return 2 * X\n",
    "added": "def double(X):\n    return X + X\n",
    "squared": "def double(X):\n    return X * X\n",
    "raises": "def double(X):\n    raise ValueError('no')\n",
    "slow": "import time\ntime.sleep(0.3)\ndef double(X):\n    time.sleep(0.002)\n    return 2 * X\n",
    "exits": "import os\ndef double(X):\n    os._exit(3)\n",
    "hangs": "import time\ndef double(X):\n    time.sleep(99)\n",
    "prints": "def double(X):\n    print('hello')\n    return 2 * X\n",
}
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X)\n"


class Process(NamedTuple):
    """A process of this machine."""

    pid: int
    parent: int
    command: str


def processes() -> dict[int, Process]:
    """All that run, without those that have ended and were not waited for."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (path / "stat").read_text().rpartition(")")
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if state not in ("Z", "X"):
            found[int(path.name)] = Process(int(path.name), int(parent), f"{name.partition('(')[2]} {command}")
    return found


def descendants(pid: int) -> list[Process]:
    """Everything below a process."""
    running = processes()
    found = [process for process in running.values() if process.parent == pid]
    for process in found:
        found += [each for each in running.values() if each.parent == process.pid]
    return found


def victims(main: int) -> dict[str, list[int]]:
    """The processes of a run by kind."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS} | {"main": [main]}
    below = {process.pid: process for process in descendants(main)}
    for process in below.values():
        if "headcheck.warm" not in process.command:
            found["grader"].append(process.pid)
        elif process.command.startswith("bwrap") or not _is_warm(below.get(process.parent)):
            found["sandbox"].append(process.pid)
        else:
            found["worker"].append(process.pid)
    return found


def _is_warm(process: Process | None) -> bool:
    return process is not None and "headcheck.warm" in process.command and not process.command.startswith("bwrap")


class Class:
    """A class on disk, and its results."""

    def __init__(self, directory: Path, students: int) -> None:
        spec = importlib.util.spec_from_file_location("tiny", Path(__file__).parents[1] / "engine" / "conftest.py")
        tiny = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tiny)
        course = tiny.write_tiny_course(directory / "course")
        toml = course.root / "assignments" / "course.toml"
        toml.write_text(toml.read_text().replace("memory_mib = 512", LIMITS))
        for number in range(students):
            home = directory / "submitted" / f"student{number:03}" / "tiny"
            home.mkdir(parents=True)
            style = list(DOUBLES)[number % len(DOUBLES)]
            (home / "double.py").write_text(f"{DOUBLES[style]}# {number}\n")
            if number % 3:
                (home / "twice.py").write_text(f"{TWICE}# {number}\n")
        self.students = students
        self.results = directory / "results"
        self.command = [
            sys.executable, "-m", "headcheck.cli", "--course", str(course.root),
            "grade", str(directory / "submitted"), "-o", str(self.results), "--jobs", "2",
        ]  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """The command, in the background."""
        return subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def sections(self) -> dict[str, bytes]:
        """The files of the students as they are."""
        return {path.parent.name: path.read_bytes() for path in self.results.glob("student*/tiny.json")}

    def files(self) -> list[str]:
        """Every file below the results."""
        return sorted(str(path.relative_to(self.results)) for path in self.results.rglob("*") if path.is_file())

    def grades(self) -> str:
        """The table."""
        return (self.results / "grades.csv").read_text()


def without_seconds(data: bytes) -> object:
    """A result but for what differs from run to run."""

    def strip(value: object) -> object:
        match value:
            case dict():
                return {key: strip(item) for key, item in value.items() if key != "seconds"}
            case list():
                return [strip(item) for item in value]
            case str():
                return re.sub(r"[\d.]+ s\b", "N s", value)
            case _:
                return value

    return strip(json.loads(data))


def statuses(data: bytes) -> list[str]:
    """Of the exercises in a result."""
    return [exercise["status"] for exercise in json.loads(data)["exercises"]]


def run_disturbed(group: Class, dice: random.Random, left: int) -> Counter[str]:
    """Grade the class from nothing to its end, with up to `left` kills on the way; the victims by kind."""
    shutil.rmtree(group.results, ignore_errors=True)
    done: Counter[str] = Counter()
    running = group.start()
    early = dice.random() < EARLY
    while running.poll() is None and done.total() < left:
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(dice.uniform(*PAUSE))
        found = victims(running.pid)
        if not (early or found["grader"]) or not found[kind] or not _kill(dice.choice(found[kind])):
            continue
        done[kind] += 1
        known = group.sections()
        print(f"  kill {done.total():3}: {kind:8} with {len(known):3} of {group.students} written", flush=True)
        if kind == "main":
            running.wait()
            running.stdout.close()
            check_whole(known)
            running = group.start()
            early = dice.random() < EARLY
    said = running.communicate()[0]
    if running.returncode == 3:  # something was killed twice while it was at the same submission
        known = group.sections()
        print(f"  broken: {[name for name in known if 'broken' in statuses(known[name])]}: once more", flush=True)
        running = group.start()
        said = running.communicate()[0]
        check_kept(known, group.sections())
    if running.returncode:
        raise SystemExit(f"the last run ended with {running.returncode}:\n{said}")
    return done


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def check_whole(sections: dict[str, bytes]) -> None:
    """What was written before a kill is whole."""
    for data in sections.values():
        statuses(data)


def check_kept(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """What was known is not graded again: to the millisecond, it is the old result."""
    changed = [name for name, data in before.items() if "broken" not in statuses(data) and after.get(name) != data]
    if changed:
        raise SystemExit(f"graded again, although the result was known: {changed}")


def check_gone() -> None:
    """Nothing that was started is still there; orphans come to this process, which waits for them."""
    deadline = time.monotonic() + 20
    while left := descendants(os.getpid()):
        if time.monotonic() > deadline:
            raise SystemExit(f"still running: {left}")
        time.sleep(0.1)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def check_equal(wanted: dict[str, object], group: Class) -> None:
    """Each student has the result of the undisturbed run."""
    got = {name: without_seconds(data) for name, data in group.sections().items()}
    wrong = [name for name in sorted(wanted.keys() | got.keys()) if wanted.get(name) != got.get(name)]
    for name in wrong[:3]:
        print(json.dumps(wanted.get(name)), json.dumps(got.get(name)), sep="\n", flush=True)
    if wrong:
        raise SystemExit(f"not what they were without kills: {wrong}")


def check_files(wanted: list[str], got: list[str]) -> None:
    """No file is missing and none is left over, but for results that are kept of what was tried in between."""
    left = [name for name in sorted(set(got) - set(wanted)) if not re.fullmatch(r"\.cache/../[0-9a-f]{64}\.json", name)]
    if missing := sorted(set(wanted) - set(got)):
        raise SystemExit(f"missing: {missing}")
    if left:
        raise SystemExit(f"left over: {left}")


def main(kills: int, seed: int, students: int) -> None:
    """The undisturbed run, then disturbed ones until there were so many kills."""
    adopt_orphans()
    dice = random.Random(seed)
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="headcheck-kills-") as directory:
        group = Class(Path(directory), students)
        started = time.monotonic()
        undisturbed = group.start()
        said = undisturbed.communicate()[0]
        if undisturbed.returncode:
            raise SystemExit(f"the undisturbed run ended with {undisturbed.returncode}:\n{said}")
        wanted = {name: without_seconds(data) for name, data in group.sections().items()}
        files, grades = group.files(), group.grades()
        print(f"undisturbed: {time.monotonic() - started:.0f} s, {len(wanted)} of {students}", flush=True)
        rounds = 0
        while total.total() < kills:
            rounds += 1
            total += run_disturbed(group, dice, kills - total.total())
            check_gone()
            check_equal(wanted, group)
            check_files(files, group.files())
            if group.grades() != grades:
                raise SystemExit("other grades than without kills")
            print(f"round {rounds}: all {students} as without kills, {total.total()} kills until now", flush=True)
    print(
        f"{total.total()} kills ({dict(total)}) in {rounds} rounds and {time.monotonic() - started:.0f} s: nothing lost"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--students", type=int, default=STUDENTS)
    options = parser.parse_args()
    main(options.kills, options.seed, options.students)
