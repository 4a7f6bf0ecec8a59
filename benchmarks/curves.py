"""How trainings go with a right model: the curves that a page shows beside a student's own.

    python benchmarks/curves.py [SECTION[/SLUG]]

Every training property is run on the reference, as grading runs it, and what it records is written beside the grader,
as `curves.json`. To be run again whenever a training or its reference changes.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from headcheck.course import read_course
from headcheck.properties import draw_cases, load_properties, load_reference, property_seed, run
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[1])


def right_curves(exercise):
    """By training property and by name the curves of the reference."""
    reference = load_reference(COURSE, exercise)
    found = {}
    for prop in load_properties(COURSE, exercise):
        if not prop.worth.training:
            continue
        seed = property_seed(COURSE.seed, exercise, prop)
        verdict = run(prop, draw_cases(prop, seed), lambda: local(reference), reference, seed=seed)
        if verdict.outcome != "passed":
            raise SystemExit(f"{exercise.id}: the reference does not pass {prop.name}: {verdict.message}")
        for curve in verdict.curves:
            found.setdefault(prop.name, {}).setdefault(curve.name, []).append(curve.values)
    return found


def written(curves):
    """As JSON with one curve a line."""
    properties = []
    for prop, named in curves.items():
        lines = [
            f"  {json.dumps(name)}: [\n" + ",\n".join(f"   {json.dumps(values)}" for values in runs) + "\n  ]"
            for name, runs in named.items()
        ]
        properties.append(f" {json.dumps(prop)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(properties) + "\n}\n"


def main():
    """Write the file of every exercise that trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="a section, or SECTION/SLUG; all of the course without it")
    for exercise in COURSE.select(parser.parse_args().name):
        curves = right_curves(exercise)
        if curves:
            exercise.curves.write_text(written(curves), encoding="utf-8")
            print(f"{exercise.id}: {sum(len(runs) for named in curves.values() for runs in named.values())} curves")


if __name__ == "__main__":
    main()
