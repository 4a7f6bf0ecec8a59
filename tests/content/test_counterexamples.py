"""No student is shown a counterexample on which a right solution fails too; and most can be tried by one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headcheck.course import read_course

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from counterexamples import failures, size

COURSE = read_course(Path(__file__).parents[2])
SAMPLE = [
    "kernel_regression/nw_kernel_regression",
    "kernel_regression/meaning_of_w",
    "kernel_regression/batched_weighted_average",
    "scoring/masked_softmax",
    "scoring/dot_product_attention",
    "self_attention/self_attention",
    "transformer/efficient_attention",
    "bonus/attention_jacobian",
]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_right_solution_passes_on_every_counterexample(name):
    """Also on those that were found in a student's copy, where no reference could be asked."""
    found = list(failures(COURSE, COURSE.exercise(name), most=3))
    assert [(one.where, one.objection) for one in found if one.objection] == []
    before, after = (sum(size(counterexample)[0] for counterexample in side) for side in _sides(found))
    assert after <= before


def test_most_failures_can_be_tried_by_one_line():
    """Of each exercise's first misconception the first failing property: some 70 %, less on a busy machine."""
    lines = []
    for exercise in COURSE.exercises:
        first = next(failures(COURSE, exercise, most=1), None)
        if first is not None:
            lines.append(first.after.counterexample.reproduce)
    assert sum(map(bool, lines)) >= 0.6 * len(lines)


def _sides(found):
    return zip(*((one.before.counterexample, one.after.counterexample) for one in found), strict=True)
