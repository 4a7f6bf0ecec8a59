"""What one right submission of the chapter costs, exercise by exercise.

    python benchmarks/chapter.py [SECTION[/SLUG]]

The reference of each exercise is graded as a submission in the sandbox, on one core, and nothing else is done
meanwhile: grader and worker wait for each other, so the seconds are those of one core. Printed are the properties,
training apart, and the CPU seconds that the kernel charged both processes for. Drawing the inputs, once for a whole
class, has a column of its own.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from rich.console import Console
from rich.table import Table

from headcheck.course import read_course
from headcheck.grading import Exams, Grader, Paper
from headcheck.sandbox import open_sandbox

COURSE = read_course(Path(__file__).parents[1])
PROPERTIES, TRAINING, CHAPTER = 5.0, 12.0, 150.0  # the budgets, in seconds


class Meter:
    """The CPU seconds of this process and of the workers that have ended."""

    def __init__(self, sandbox):
        self._end, self._workers = sandbox.end, 0.0
        sandbox.end = self._ended

    def _ended(self, pid, **how):
        ended = self._end(pid, **how)
        self._workers += ended.cpu_seconds
        return ended

    def seconds(self):
        return time.process_time() + self._workers


def measure(grader, meter, exercise):
    """Seconds of drawing, of the properties, of training, and of the CPU in all but drawing."""
    started = time.process_time()
    exam = grader.exams.of(exercise)
    drawing = time.process_time() - started
    training = {prop.name for prop in exam.properties if prop.worth.training}
    before = meter.seconds()
    result = grader.grade(Paper(exercise, COURSE.reference_sources(exercise), []))
    if result.points != result.max_points:
        raise SystemExit(f"{exercise.id}: the reference earns {result.points} of {result.max_points}")
    parts = dict.fromkeys(("properties", "training"), 0.0)
    for prop in result.properties:
        parts["training" if prop.name in training else "properties"] += prop.seconds
    return drawing, parts["properties"], parts["training"], meter.seconds() - before


def main():
    """Print the table; what is over its budget is marked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="a section, or SECTION/SLUG; all of the course without it")
    wanted = COURSE.select(parser.parse_args().name)
    needs = tuple(sorted({name for exercise in wanted for name in exercise.needs}))
    sandbox, probes = open_sandbox(COURSE.limits, needs=needs)
    grader, meter = Grader(COURSE, Exams(COURSE, COURSE.seed), sandbox), Meter(sandbox)
    table = Table("exercise", "drawing s", "properties s", "training s", "CPU s", title=f"sandbox: {probes.level}")
    rows = []
    for exercise in wanted:
        rows.append(measure(grader, meter, exercise))
        budgets = (float("inf"), PROPERTIES, TRAINING, float("inf"))
        shown = [f"{value:.2f}{' !' if value > most else ''}" for value, most in zip(rows[-1], budgets, strict=True)]
        table.add_row(exercise.id, *shown)
    total = [sum(column) for column in zip(*rows, strict=True)]
    table.add_section()
    table.add_row("in all", *(f"{value:.1f}" for value in total))
    Console(width=120).print(table)
    sandbox.close()


if __name__ == "__main__":
    main()
