"""The report on sharp scorers with every kind of lengths, and keys measured by the reference's own scorers."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_equal, assert_finite, assert_number, assert_shape, assert_that
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal, seeds

SIZE, HIDDENS = 7, 9  # larger than any count of queries or keys
MASKED = attention_inputs(query_size=SIZE, key_size=SIZE)
DOUBLE = attention_inputs(query_size=SIZE, key_size=SIZE, dtype=torch.float64)
SCALES = st.sampled_from((0.3, 1.0, 4.0))


def scorers(module, seed, scale, dtype=torch.float32):
    """An additive and a dot-product scorer of a module: the same seed, the same weights."""
    additive = module.AdditiveAttention(SIZE, SIZE, HIDDENS, 0.0).to(dtype)
    additive.load_state_dict(amplify(additive.state_dict(), seed, scale=scale))
    return additive, module.DotProductAttention(0.0)


def entry(report, name):
    """One entry of a report, or a failure that names it."""
    assert_that(isinstance(report, dict) and name in report, f"there is no entry {name!r} in the report")
    return report[name]


def without_ties(weights, padded):
    """True at the rows in which both scorers give clearly different weights to the valid keys; `(batch, queries)`."""
    lowest = -1.0 - torch.arange(weights.shape[-1])  # padded keys, all different
    steps = torch.where(padded, lowest, weights).sort(-1).values.diff(dim=-1)
    return (steps > 1e-4).all(-1).all(0)


@worth(
    2, examples=24, hint="Look at all rows of all examples, but only at the valid keys, and at weights, not outputs."
)
@given(case=DOUBLE, seed=seeds(), scale=SCALES)
def the_gap_is_right_under_sharp_attention(student, reference, case, seed, scale):
    """The gap is right for all kinds of valid lengths, for scorers that have made up their minds, and in float64."""
    theirs, ours = (scorers(module, seed, scale, torch.float64) for module in (student, reference))
    wanted = reference.compare_scorers(*ours, *case.args)["max_weight_gap"]
    report = student.compare_scorers(*theirs, *case.args)
    assert_number(float(entry(report, "max_weight_gap")), wanted, atol=1e-6, what="max_weight_gap")


@worth(2, examples=24, hint="Sort the keys of each row by both weights. The whole order counts, not only the winner.")
@given(case=MASKED, seed=seeds())
def rankings_are_compared_row_by_row(student, reference, case, seed):
    """`same_ranking` is True exactly where both scorers put the valid keys in the same order."""
    additive, dot = scorers(reference, seed, 1.0)
    wanted = reference.compare_scorers(additive, dot, *case.args)["same_ranking"]
    clear = without_ties(torch.stack([additive.attention_weights, dot.attention_weights]), case.padded)
    report = student.compare_scorers(*scorers(student, seed, 1.0), *case.args)
    got = assert_shape(entry(report, "same_ranking"), case.shape[:2], what="same_ranking")
    assert_equal(torch.where(clear, got.bool(), wanted), wanted, what="same_ranking")

    additive, dot = scorers(student, seed, 1.0)  # looks at feature 0 of the keys alone; the query asks dot for 1
    state = {name: torch.zeros_like(value) for name, value in additive.state_dict().items()}
    state["W_k.weight"][0, 0] = state["w_v.weight"][0, 0] = 1.0
    additive.load_state_dict(state)
    queries, keys = torch.zeros(1, 1, SIZE), torch.zeros(1, 5, SIZE)
    queries[..., 1] = 1.0
    keys[0, :, 0], keys[0, :, 1] = torch.tensor([1.0, 2, 3, 4, 5]) / 3, torch.tensor([1.0, 3, 2, 4, 5]) / 3
    got = entry(student.compare_scorers(additive, dot, queries, keys, keys, None), "same_ranking")
    assert_equal(got, torch.tensor([[False]]), what="same_ranking of rows that differ only in the middle")


@worth(
    1,
    examples=15,
    hint="Uniform means within 1e-6 of 1 / valid length; the default tolerances of torch are another matter.",
)
@given(case=MASKED.filter(lambda case: case.shape[2] > 1), seed=seeds())
def a_slight_preference_is_not_uniform(student, case, seed):
    """`both_uniform` is False when the keys are only nearly equal, in one row of one example."""
    batch, queries, keys = case.shape
    nearly = torch.ones(case.keys.shape)
    nearly[-1] += normal(nearly.shape[1:], seed, scale=1e-4)
    lengths = torch.ones(batch, queries, dtype=torch.long)
    lengths[-1, -1] = keys
    values = normal(case.values.shape, seed)
    sharp = normal(case.queries.shape, seed + 1, scale=4.0)
    report = student.compare_scorers(*scorers(student, seed, 1.0), sharp, nearly, values, lengths)
    assert_that(not entry(report, "both_uniform"), "both_uniform is True, wanted False", both_uniform=True)


@worth(
    1, examples=20, hint="Let the dot product grow where the tanh has long been saturated, or search until they differ."
)
@given(counts=st.tuples(st.integers(1, 2), st.integers(2, 4)), seed=seeds(), scale=SCALES)
def disagreeing_keys_convince_other_scorers(student, reference, counts, seed, scale):
    """The gap is at least 0.2 on frozen copies of the scorers too, timid or sharp, for short queries."""
    num_queries, m = counts
    queries = normal((1, num_queries, SIZE), seed, scale=0.3)
    keys = student.keys_that_disagree(*scorers(student, seed, scale), queries.clone(), m)
    keys = assert_finite(assert_shape(keys, (1, m, SIZE), what="keys"), what="keys").detach().float()
    report = reference.compare_scorers(*scorers(reference, seed, scale), queries, keys, keys, None)
    gap = report["max_weight_gap"]
    assert_that(gap >= 0.2, f"on your keys no weight differs by more than {gap:.3g}", keys=keys)
