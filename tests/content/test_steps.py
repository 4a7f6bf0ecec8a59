"""The first wrong step that a mistake is told is the one at which a person would look.

What is listed was read by hand: what the mistake does, and whether everything before the step is right in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.grading import prepare, take_steps
from headcheck.properties import load_steps, mistaken
from headcheck.student import local

COURSE = read_course(Path(__file__).parents[2])
WITH_STEPS = [exercise.id for exercise in COURSE.exercises if load_steps(COURSE, exercise)]
NAMED = {
    "scoring/dot_product_attention": {
        "softmax_over_queries": "weights that sum to 1 over the keys",
        "scaled_after_the_softmax": "weights that sum to 1 over the keys",
        "cosine_similarity": "the dot products of queries and keys",
        "no_scaling": "the scaling of the scores before the softmax",
        "mask_after_softmax": "the masking of padded keys",
        "averaged_over_keys": "the weighted sum of the values",
        "scores_stored": "what is stored in attention_weights",
        "dropout_on_the_scores": "",
    },
    "multihead/multi_head_attention": {
        "keys_through_the_query_matrix": "the projected queries, keys and values of one head",
        "reshape_without_transpose": "the split into heads, each with its own weights",
        "scaled_by_the_full_width": "the scaling of the scores in every head",
        "lengths_tiled": "the rows and the valid lengths of every head",
        "merge_without_transpose": "the merge of the heads",
        "queries_added_to_the_output": "the output: the merged heads through W_o",
        "collects_heads_in_float32": "",
    },
    "kernel_regression/nw_kernel_regression": {
        "only_keys_on_the_left": "the preference for near keys",
        "half_forgotten": "the Gaussian attention weights",
        "mean_for_sum": "the weighted sum of the values",
        "width_cut_from_the_graph": "the gradient that reaches w",
        "own_sample_kept": "the keys and values that leave_one_out leaves",
        "squared_errors_summed": "the loss that fit returns",
    },
    "self_attention/positional_encoding": {
        "halves_concatenated": "position 0, a zero and a one in every pair",
        "exponent_doubled": "position 1, the speed of every pair",
        "positions_repeat": "the whole table of positions",
        "multiplied": "the sum of tokens and positions",
    },
    "bahdanau/bahdanau_decoder": {
        "outputs_reshaped": "the state that init_state makes",
        "new_state_asks": "the attention weights of the first step",
        "one_layer_starts_all": "the state in which the GRU starts",
        "word_before_context": "the context and the word that the GRU reads",
        "bent_before_dense": "the logits of the first step",
        "first_state_asks_every_time": "the states handed on from step to step",
        "weights_pile_up": "the list in attention_weights",
    },
    "transformer/transformer_encoder": {
        "input_added_twice": "the self-attention of a block, added and normalised",
        "network_sees_the_input": "the network of a block, added and normalised",
        "network_without_residual": "the network of a block, added and normalised",
        "norms_exchanged": "the weights of the two norms of a block",
        "positions_scaled_too": "the scaled embedding and the positions",
        "blocks_upside_down": "the stack of blocks",
        "padding_seen_after_the_first_layer": "the valid lengths in every block",
    },
}


def test_only_exercises_on_the_way_to_attention_have_steps():
    """Those whose answer has parts that can be told apart from outside; each has at least three."""
    assert len(WITH_STEPS) >= 20
    assert set(NAMED) <= set(WITH_STEPS)
    for name in WITH_STEPS:
        assert len(load_steps(COURSE, COURSE.exercise(name))) >= 3


@pytest.mark.parametrize("name", NAMED)
def test_a_mistake_is_told_where_it_is(name):
    """Every step before the one that is named is right, and that one is not."""
    exam = prepare(COURSE, COURSE.exercise(name), seed=COURSE.seed, training=False)
    told = {}
    for wrong in NAMED[name]:
        connection = local(mistaken(COURSE, exam.exercise, exam.misconceptions[wrong]))
        _, step = take_steps(exam, lambda connection=connection: connection)
        told[wrong] = step.sentence if step else ""
    assert told == NAMED[name]
