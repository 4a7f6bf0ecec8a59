"""How readable counterexamples are, and that a right solution passes on every one of them.

    python benchmarks/counterexamples.py [SECTION[/SLUG]]

Every misconception is put to the public properties that it fails, as in a student's copy, where there is no reference
(and once more with it). The case that is shown is put to the reference, which must pass. Exits 1 where it does not.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import torch

from headcheck.course import read_course
from headcheck.properties import (
    Verdict,
    draw_cases,
    load_misconceptions,
    load_properties,
    load_reference,
    mistaken,
    property_seed,
    run,
)
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[1])


@dataclasses.dataclass(frozen=True)
class Found:
    """One failure: the case before and after, and what the reference says of the last."""

    where: str
    before: Verdict
    after: Verdict
    objection: str
    seconds: float


def failures(course, exercise, *, proven=False, most=None):
    """Each misconception on each public property that it fails, with what a student would be shown."""
    reference = load_reference(course, exercise)
    public = [
        prop for prop in load_properties(course, exercise) if prop.visibility == "public" and not prop.worth.training
    ]
    seeds = {prop.name: property_seed(course.seed, exercise, prop) for prop in public}
    cases = {prop.name: draw_cases(prop, seeds[prop.name]) for prop in public}
    for wrong in load_misconceptions(course, exercise)[:most]:
        connection = local(mistaken(course, exercise, wrong))
        for prop in public:
            seed = seeds[prop.name]
            options = [prop, cases[prop.name], lambda connection=connection: connection, reference if proven else None]
            before = run(*options, seed=seed, shrink=False)
            if before.outcome != "failed" or not before.counterexample:
                continue
            started = time.process_time()
            after = run(*options, seed=seed)
            seconds = time.process_time() - started
            yield Found(
                f"{exercise.id} {prop.name} {wrong.name}",
                before,
                after,
                objection(prop, after, reference, seed),
                seconds,
            )


def objection(prop, verdict, reference, seed):
    """What the property says of the reference on the case of a verdict; nothing when it passes."""
    return run(prop, [verdict.case], lambda: local(reference), reference, seed=seed, shrink=False).message


def size(counterexample):
    """How many elements its tensors show, and the most digits of a number among them."""
    texts = [f"{number:.6g}" for number in _numbers(list(counterexample.inputs.values()))]
    return len(texts), max((sum(map(str.isdigit, text)) for text in texts), default=0)


def _numbers(shown):
    match shown:
        case bool() | None | str():
            return []
        case int() | float():
            return [shown]
        case list():
            return [number for item in shown for number in _numbers(item)]
        case {"shape": shape}:
            return _numbers(shown["values"]) if "values" in shown else [0.0] * torch.Size(shape).numel()
        case _:
            return []


def main():
    """Print a line for each failure and the averages; exit 1 where a right solution fails too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="a section, or SECTION/SLUG; all of the course without it")
    parser.add_argument("--verbose", action="store_true", help="a line for each failure")
    parser.add_argument("--copy", action="store_true", help="only as in a student's copy, without a reference")
    options = parser.parse_args()
    objections = 0
    for proven in (False, True) if not options.copy else (False,):
        rows = []
        for exercise in COURSE.select(options.name):
            for found in failures(COURSE, exercise, proven=proven):
                before, after = size(found.before.counterexample), size(found.after.counterexample)
                if before[0]:
                    rows.append((*before, *after, found.seconds, bool(found.after.counterexample.reproduce)))
                if options.verbose:
                    print(f"{found.where}: {before} -> {after} {found.after.counterexample.reproduce}")
                if found.objection:
                    objections += 1
                    print(f"{found.where}: a right solution fails, too: {found.objection}", flush=True)
        summarise(rows, "with a reference" if proven else "without a reference")
    raise SystemExit(1 if objections else 0)


def summarise(rows, title):
    """Medians and means over the failures that show tensors."""
    if not rows:
        return
    table = torch.tensor(rows, dtype=torch.float64)
    median, mean = table.median(0).values.tolist(), table.mean(0).tolist()
    print(
        f"{title}, {len(rows)} failures that show numbers: elements {median[0]:g} -> {median[2]:g} (median), "
        f"{mean[0]:.1f} -> {mean[2]:.1f} (mean); most digits {median[1]:g} -> {median[3]:g} (median); "
        f"CPU seconds {mean[4]:.2f} (mean), {table[:, 4].max():.2f} (most); a line that reproduces: {mean[5]:.0%}"
    )


if __name__ == "__main__":
    main()
