"""What training comes to: the right solution and the broken ones, over many seeds, beside the thresholds.

    python benchmarks/convergence.py [SECTION[/SLUG]] [--seeds 10]

Every training property is run on the reference and on each misconception that is marked `trains`, once per seed, with
its thresholds only listened to. A threshold is good when it lies between the worst right and the best broken figure.
Recipes of more than eight seconds get three seeds. For each figure the table gives minimum and maximum; the CPU seconds
are those of one run of the whole property, on one core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from rich.console import Console
from rich.table import Table

from headcheck.compare import Mismatch, measurements
from headcheck.course import read_course
from headcheck.errors import StudentRaised
from headcheck.properties import load_grader, load_misconceptions, load_reference, mistaken
from headcheck.student import Student, local

COURSE = read_course(Path(__file__).parents[1])
SLOW_SECONDS, SLOW_SEEDS = 8.0, 3


def training_properties(hidden):
    """The training properties of a grader file."""
    return [value for value in vars(hidden).values() if getattr(getattr(value, "worth", None), "training", False)]


def measure(exercise, solution, reference, seed):
    """Every figure that the training properties come to with one seed, and the CPU seconds that they took."""
    hidden = load_grader(COURSE, exercise, "hidden")
    hidden.SEEDS = (seed,)
    available = {"student": Student(local(solution)), "reference": reference}
    started, found = time.process_time(), defaultdict(list)
    for prop in training_properties(hidden):
        with measurements() as figures:
            try:
                prop(**{name: available[name] for name in prop.__code__.co_varnames[: prop.__code__.co_argcount]})
            except (Mismatch, StudentRaised) as error:
                found[prop.__name__, f"refused: {error}"[:60], ""].append(float("nan"))
        for figure in figures:
            bounds = f"{figure.at_least:g} to {figure.at_most:g}"
            found[prop.__name__, figure.what, bounds].append(figure.value)
    return found, time.process_time() - started


def rows_of(exercise, seeds):
    """A row for each figure of each solution."""
    reference = load_reference(COURSE, exercise)
    broken = [wrong for wrong in load_misconceptions(COURSE, exercise) if wrong.trains]
    solutions = {"right": reference} | {wrong.name: mistaken(COURSE, exercise, wrong) for wrong in broken}
    for name, solution in solutions.items():
        figures, seconds = defaultdict(list), []
        for seed in range(seeds):
            if seed >= SLOW_SEEDS and seconds[0] > SLOW_SECONDS:
                break
            found, spent = measure(exercise, solution, reference, seed)
            seconds.append(spent)
            for key, values in found.items():
                figures[key] += values
        for (prop, what, bounds), values in figures.items():
            yield [
                exercise.id, prop, what, bounds, name, str(len(seconds)), f"{min(values):.3f}", f"{max(values):.3f}",
                f"{statistics.median(seconds):.1f}",
            ]  # fmt: skip


def main():
    """Print the table, an exercise at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="a section, or SECTION/SLUG; all of the course without it")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    console = Console(width=200)
    for exercise in COURSE.select(arguments.name):
        if not training_properties(load_grader(COURSE, exercise, "hidden")):
            continue
        table = Table("property", "figure", "wanted", "solution", "seeds", "min", "max", "CPU s", title=exercise.id)
        for row in rows_of(exercise, arguments.seeds):
            table.add_row(*row[1:])
        console.print(table)


if __name__ == "__main__":
    main()
