"""A mistake is named whoever made it: written in other code than the misconception's, and never by another's name.

`tests/same_mistakes` holds what students might hand in: under the name of a misconception files that make its mistake
in their own way, under `_unnamed` files with a mistake that has no name, or with two at once.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.grading import examine, name_mistake, prepare
from headcheck.loading import load
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[2])
NAMED = COURSE.root / "tests" / "same_mistakes"
UNNAMED = NAMED / "_unnamed"
INPUTS = 12  # of each property: enough for nearly every mistake to show, at a quarter of the time

_WEIGHTS = "loud weights are drawn in the order of the state dict, which is the student's to choose"
_AS = "{} fails at the same places with the same answers, and a property tells no more after its first failure"
_PLACES = "the cells stand elsewhere on the page, which is compared, too"
_PARAMETERS = "parameters differ after a step by more than rounding; why is not known"
UNTOLD = {  # files for which nothing is said, and why
    "bahdanau/bahdanau_decoder/all_layers_ask": _WEIGHTS,
    "bahdanau/bahdanau_decoder/begins_from_zero": _WEIGHTS,
    "bahdanau/bahdanau_decoder/hidden_not_carried": _WEIGHTS,
    "bahdanau/bahdanau_decoder/no_dropout_between_the_layers": _WEIGHTS,
    "bahdanau/bahdanau_decoder/only_the_last_weights": _WEIGHTS,
    "bahdanau/bahdanau_decoder/weights_pile_up": _WEIGHTS,
    "bahdanau/seq2seq_training/clipped_one_by_one": _PARAMETERS,
    "bonus/distance_attention/key_norms_forgotten": _AS.format("query_norms_for_key_norms"),
    "cues/attention_heatmaps/labels_everywhere": _PLACES,
    "cues/attention_heatmaps/plots_the_transpose": _PLACES,
    "cues/cues_and_roles/assumes_the_order": _AS.format("decides_by_length_alone"),
    "cues/cues_and_roles/queries_and_keys_swapped": _AS.format("reversed_pairs"),
    "multihead/multi_head_attention/keys_through_the_query_matrix": _AS.format("queries_through_the_key_matrix"),
    "self_attention/positional_encoding/plain_attribute": _AS.format("buffer_not_saved"),
    "self_attention/self_attention/batch_permuted": _AS.format("always_equivariant"),
    "self_attention/self_attention/first_trial_decides": _AS.format("one_permutation_for_all_trials"),
    "self_attention/self_attention/generator_ignored": _AS.format("generator_of_its_own"),
    "self_attention/self_attention/only_the_input_is_permuted": _AS.format("never_equivariant"),
    "self_attention/self_attention/sums_compared": _AS.format("always_equivariant"),
    "transformer/efficient_attention/window_is_the_whole_width": _AS.format("window_too_narrow"),
    "transformer/efficient_attention/window_too_narrow": _AS.format("window_is_the_whole_width"),
    "transformer/vision_transformer/columns_first": _WEIGHTS,
    "transformer/vision_transformer/head_on_the_last_token": _WEIGHTS,
    "transformer/vision_transformer/mean_of_all_tokens": _WEIGHTS,
    "transformer/vision_transformer/no_last_norm": _WEIGHTS,
    "transformer/vision_transformer/no_positions": _WEIGHTS,
    "transformer/vision_transformer/plain_view": _WEIGHTS,
    "transformer/vision_transformer/post_norm": _WEIGHTS,
}


def _files(tree, exercise):
    return sorted((tree / exercise.id).glob("*.py"))


def _told(exercise, paths):
    """What each file is told that it is, and `passed` for one in which nothing was found."""
    exam = prepare(COURSE, exercise, seed=COURSE.seed, training=False)
    exam = dataclasses.replace(exam, cases={name: cases[:INPUTS] for name, cases in exam.cases.items()})
    told = {}
    for path in paths:
        sources = COURSE.reference_sources(exercise) | {exercise.module: path.read_bytes()}
        connection = local(load(sources, exercise.module))
        results = examine(exam, lambda connection=connection: connection, shrink=False)
        mistake = name_mistake(exam, results, lambda connection=connection: connection)
        failed = any(result.outcome == "failed" for result in results)
        told[path.stem] = mistake.name if mistake else "nothing" if failed else "passed"
    return told


@pytest.mark.parametrize("name", [exercise.id for exercise in COURSE.exercises if _files(NAMED, exercise)])
def test_the_same_mistake_in_other_code_is_told_by_its_name(name):
    """By its own, or, where the list of exceptions says so, by none."""
    exercise = COURSE.exercise(name)
    told = _told(exercise, _files(NAMED, exercise))
    assert told == {stem: "nothing" if f"{name}/{stem}" in UNTOLD else stem for stem in told}


@pytest.mark.parametrize("name", [exercise.id for exercise in COURSE.exercises if _files(UNNAMED, exercise)])
def test_a_mistake_without_a_name_is_not_given_one(name):
    """Nor are two at once."""
    exercise = COURSE.exercise(name)
    told = _told(exercise, _files(UNNAMED, exercise))
    assert told == dict.fromkeys(told, "nothing")


def test_enough_mistakes_were_tried_and_few_are_left_untold():
    """Each file stands in its exercise's directory, under a name that a misconception has."""
    named = [path for exercise in COURSE.exercises for path in _files(NAMED, exercise)]
    unnamed = [path for exercise in COURSE.exercises for path in _files(UNNAMED, exercise)]
    assert {*named, *unnamed} == set(NAMED.rglob("*.py"))
    assert len(named) >= 200
    assert len(unnamed) >= 30
    assert set(UNTOLD) <= {str(path.relative_to(NAMED).with_suffix("")) for path in named}
    assert len(UNTOLD) <= 0.1 * len(named)
