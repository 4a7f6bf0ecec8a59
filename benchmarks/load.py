"""A class of which a third is hostile, against an honest one of the same size: throughput, memory, and every status.

    python benchmarks/load.py --students 500

Both are graded by `headcheck grade`, one after the other, in one run; what counts is the ratio. A call may take two
seconds. The memory is that of the grader processes (PSS), read every second: what leaks shows in the last tenth.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import SimpleNamespace

ROOT = Path(__file__).parents[1]
TINY = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "engine" / "conftest.py")))
KILLS = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "security" / "kills.py")))
LIMITS = "call_seconds = 2\nexercise_seconds = 10\nmemory_mib = 512"

HONEST = {
    "right": "def double(X):\n    return 2 * X",
    "added": "def double(X):\n    return X + X",
    "squared": "def double(X):\n    return X * X",
}
HOSTILE = {  # what it does, its text, and how it may end
    "sleeps": ("import time\ndef double(X): time.sleep(999)", "timeout"),
    "spins": ("def double(X):\n    while True: pass", "timeout"),
    "hangs at import": ("while True: pass", "timeout"),
    "exits": ("import os\ndef double(X): os._exit(0)", "crashed"),
    "crashes": ("import ctypes\ndef double(X): ctypes.string_at(0)", "crashed"),
    "takes memory": ("kept = []\ndef double(X):\n    while True: kept.append(b'x' * (1 << 26))", "failed timeout"),
    "prints without end": ("def double(X):\n    while True: print('x' * 100_000)", "timeout"),
    "floods the line": ("import os\ndef double(X):\n    while True: os.write(3, b'x' * 65536)", "crashed"),
    "sends garbage": ("import os\ndef double(X): os.write(3, b'\\0\\0\\0\\5hello')", "crashed"),
    "sends a frame of nothing": (
        "import os\ndef double(X):\n    for part in [b'\\3\\0\\0\\0'] + [b'\\xc0' * 65536] * 768: os.write(3, part)",
        "crashed",
    ),
    "answers a million numbers": ("def double(X): return [0] * 1_000_000", "failed"),
    "forks": ("import os\ndef double(X):\n    while True: os.fork()", "failed"),
    "raises SystemExit": ("def double(X): raise SystemExit(0)", "failed"),
    "closes the line": ("import os\ndef double(X): os.close(3)", "crashed"),
}


@dataclass
class Graded:
    """How a class was graded: wall seconds, the statuses of each kind of submission, MiB of each grader over time."""

    seconds: float
    statuses: dict[str, Counter[str]]
    memory: dict[int, list[float]]


def kinds_of(students: int, *, hostile: bool) -> list[str]:
    """The kind of each student: every third hostile, if any is."""
    honest, others = list(HONEST), list(HOSTILE)
    return [
        others[number // 3 % len(others)]
        if hostile and number % 3 == 2
        else honest[(number + number // 3) % len(honest)]
        for number in range(students)
    ]


def grade(students: int, *, hostile: bool, jobs: int = 2) -> Graded:
    """Write the class, no two texts equal, and grade it with the command."""
    kinds = {f"student{number:04}": kind for number, kind in enumerate(kinds_of(students, hostile=hostile))}
    with tempfile.TemporaryDirectory(prefix="headcheck-load-") as directory:
        course = TINY.write_tiny_course(Path(directory, "course"))
        toml = course.root / "assignments" / "course.toml"
        toml.write_text(toml.read_text().replace("memory_mib = 512", LIMITS))
        for name, kind in kinds.items():
            home = Path(directory, "submitted", name, "tiny")
            home.mkdir(parents=True)
            text = HONEST[kind] if kind in HONEST else HOSTILE[kind][0]
            (home / "double.py").write_text(f"{text}\n# {name}\n")
        results = Path(directory, "results")
        command = [
            sys.executable, "-m", "headcheck.cli", "--course", str(course.root), "grade", f"{directory}/submitted",
            "-o", str(results), "--section", "tiny/double", "--jobs", str(jobs),
        ]  # fmt: skip
        started = time.perf_counter()
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        memory = watch(running)
        said = running.communicate()[0]
        seconds = time.perf_counter() - started
        if running.returncode:
            raise SystemExit(f"the run ended with {running.returncode}:\n{said}")
        statuses: dict[str, Counter[str]] = defaultdict(Counter)
        for name, kind in kinds.items():
            (exercise,) = json.loads((results / name / "tiny.json").read_text())["exercises"]
            statuses[kind][exercise["status"]] += 1
    return Graded(seconds, dict(statuses), memory)


def watch(running: subprocess.Popen[str]) -> dict[int, list[float]]:
    """The memory of each grader process, once a second until the run ends."""
    memory: dict[int, list[float]] = defaultdict(list)
    while running.poll() is None:
        for pid in KILLS.victims(running.pid)["grader"]:
            with contextlib.suppress(OSError, StopIteration):  # it has just ended
                memory[pid] += [pss_mib(pid)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(1.0)
    return {pid: samples for pid, samples in memory.items() if samples}


def pss_mib(pid: int) -> float:
    """The memory of a process, what it shares with others counted in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def tenths(samples: list[float]) -> tuple[float, float]:
    """The mean of the first tenth and of the last."""
    count = max(len(samples) // 10, 1)
    return mean(samples[:count]), mean(samples[-count:])


def unexpected(graded: Graded) -> list[str]:
    """The hostile kinds of which some did not end as they must."""
    return [
        f"{kind}: {dict(found)}, not {HOSTILE[kind][1]}"
        for kind, found in graded.statuses.items()
        if kind in HOSTILE and not set(found) <= set(HOSTILE[kind][1].split())
    ]


def main(students: int, jobs: int) -> None:
    """The honest class, the other one, and the table."""
    honest, mixed = (grade(students, hostile=hostile, jobs=jobs) for hostile in (False, True))
    print(f"| class of {students}, {jobs} grader processes | seconds | submissions a second |")
    print("| --- | --- | --- |")
    for name, graded in (("honest", honest), ("a third hostile", mixed)):
        print(f"| {name} | {graded.seconds:.1f} | {students / graded.seconds:.2f} |")
    print(f"\nthroughput beside the honest class: {honest.seconds / mixed.seconds:.2f}\n")
    print("| hostile submission | how many | status |")
    print("| --- | --- | --- |")
    for kind in HOSTILE:
        found = mixed.statuses.get(kind, Counter())
        print(f"| {kind} | {found.total()} | {', '.join(found)} |")
    print()
    for name, graded in (("honest", honest), ("a third hostile", mixed)):
        for pid, samples in graded.memory.items():
            first, last = tenths(samples)
            print(f"{name}, grader {pid}: {first:.0f} MiB in the first tenth, {last:.0f} MiB in the last")
    if wrong := unexpected(mixed):
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    main(options.students, options.jobs)
