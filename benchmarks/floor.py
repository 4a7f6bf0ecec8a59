"""What the sandbox costs beyond the work itself, and what its processes hold in memory.

    python benchmarks/floor.py [SECTION[/SLUG]]

The floor is the work alone: the same properties on the same inputs, called on the reference as a module of this very
process, without messages, handles or locks. Beside it stands the same in the full sandbox, for the first submission of
a class and for one that answers as another has, all in CPU seconds of grader and worker together, so that what else the
machine does matters little. Properties that a plain module does not answer (they count calls, or look through the
boundary) are left out, and training is. Memory is the proportional set size (PSS): pages that processes share count in
equal parts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from chapter import Meter
from rich.console import Console
from rich.table import Table

from headcheck import properties
from headcheck.course import read_course
from headcheck.grading import Exams, Paper, Sitting, examine
from headcheck.properties import load_reference
from headcheck.sandbox import open_sandbox
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[1])
TIMES = 5


def floor_of(exam, reference):
    """The exam with what passes on the plain module, and the CPU seconds of that."""
    connection = local(reference)
    with mock.patch.object(properties, "Student", return_value=reference):
        results = examine(exam, lambda: connection, everything=True, shrink=False)
        answered = {result.name for result in results if result.outcome == "passed"}
        exam = replace(exam, properties=[prop for prop in exam.properties if prop.name in answered])
        seconds = []
        for _ in range(TIMES):
            started = time.process_time()
            examine(exam, lambda: connection, everything=True)
            seconds.append(time.process_time() - started)
    return exam, statistics.median(seconds)


def in_sandbox(sandbox, meter, exam):
    """The CPU seconds of grader and worker for the same, the first time and then, and the memory of all processes."""
    exam.precedents.clear()
    paper = Paper(exam.exercise, COURSE.reference_sources(exam.exercise), [])
    seconds = []
    for _ in range(TIMES):
        sitting = Sitting(sandbox, paper)
        started = meter.seconds()
        results = examine(exam, sitting.connect, everything=True)
        if not all(result.outcome == "passed" for result in results):
            raise SystemExit(f"{exam.exercise.id}: the reference does not pass in the sandbox")
        memory = [pss(pid) for pid in [os.getpid(), *descendants(os.getpid())]]
        sitting.close()
        seconds.append(meter.seconds() - started)
    return seconds[0], statistics.median(seconds[1:]), memory


def descendants(pid):
    """The processes below this one, the nearest first."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def pss(pid):
    """MiB of a process, what it shares counted in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main():
    """Print a row for each exercise, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="a section, or SECTION/SLUG; all of the course without it")
    wanted = COURSE.select(parser.parse_args().name)
    exams = Exams(COURSE, COURSE.seed, training=False)
    sandbox, probes = open_sandbox(COURSE.limits, needs=COURSE.libraries(wanted))
    meter = Meter(sandbox)
    table = Table("exercise", "properties", "floor, s of CPU", "first", "then", "times the floor", "MiB in all")
    sums = [0.0, 0.0, 0.0]
    for exercise in wanted:
        exam, floor = floor_of(exams.of(exercise), load_reference(COURSE, exercise))
        if not exam.properties:
            continue
        first, then, memory = in_sandbox(sandbox, meter, exam)
        sums = [total + each for total, each in zip(sums, (floor, first, then), strict=True)]
        row = (f"{floor:.3f}", f"{first:.3f}", f"{then:.3f}", f"{first / floor:.1f}, {then / floor:.1f}")
        table.add_row(exercise.id, str(len(exam.properties)), *row, f"{sum(memory):.0f}")
    table.add_section()
    floor, first, then = sums
    times = f"{first / floor:.1f}, {then / floor:.1f}"
    table.add_row("in all", "", f"{floor:.2f}", f"{first:.2f}", f"{then:.2f}", times, "")
    console = Console(width=120)
    console.print(table)
    console.print(f"sandbox: {probes.level}; MiB of the grader, then of the processes below it, at the last exercise:")
    console.print(", ".join(f"{size:.0f}" for size in memory))
    sandbox.close()


if __name__ == "__main__":
    main()
