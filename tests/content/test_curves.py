"""How a right model's training goes is kept beside every grader that trains, as the reference goes today."""

from __future__ import annotations

import pytest

from headcheck.grading import Exams
from headcheck.properties import load_properties, load_right_curves, run
from headcheck.student import local

WITHOUT_CURVES = {
    "accuracy_is_that_of_the_trained_module",  # the submission trains, and returns one number
    "training_is_the_one_described",
    "defaults_are_those_of_the_signature",
}
CHEAP = "scoring/bilinear_attention"


def test_every_training_has_curves_of_a_right_model(course):
    """But for those that are told of no training's way; and a file has nothing that is no more."""
    for exercise in course.exercises:
        training = {prop.name for prop in load_properties(course, exercise) if prop.worth.training}
        assert load_right_curves(exercise).keys() == training - WITHOUT_CURVES, exercise.id


def test_kept_curves_are_those_of_the_reference(course):
    """Name by name, run by run, nearly number by number."""
    exam = Exams(course, course.seed).of(course.exercise(CHEAP))
    (prop,) = (prop for prop in exam.properties if prop.worth.training)
    seed = exam.seeds[prop.name]
    verdict = run(prop, exam.cases[prop.name], lambda: local(exam.reference), exam.reference, seed=seed)
    found = {}
    for curve in verdict.curves:
        found.setdefault(curve.name, []).append(curve.values)
    kept = exam.right_curves[prop.name]
    assert found.keys() == kept.keys()
    for name, runs in kept.items():
        for values, now in zip(runs, found[name], strict=True):
            assert now == pytest.approx(values, abs=0.05), name
