"""What anyone can check of a comparison of two scorers, and of the keys that tell them apart."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import POISON, amplify, attention_inputs, normal, seeds

HINTS = (
    (
        "Call both scorers first, with the lengths, and read attention_weights off each: they are what has to be "
        "compared, and only where keys are valid."
    ),
    (
        "Which keys can no scorer tell apart, whatever it has learned? And how does a tanh answer to a very long key, "
        "compared with a dot product?"
    ),
    (
        "Uniform means one over the valid length of that row, and zeros count as padding. For the ranking compare "
        "argsort of both along the keys; for the gap take the largest absolute difference."
    ),
)

SIZE, HIDDENS = 7, 9  # larger than any count of queries or keys
UNMASKED = attention_inputs(query_size=SIZE, key_size=SIZE, lengths=("none",), ones=False)
MASKED = attention_inputs(query_size=SIZE, key_size=SIZE)
PADDED = attention_inputs(query_size=SIZE, key_size=SIZE, lengths=("per example", "per query"))


def scorers(student, seed, *, dropout=0.0):
    """An additive and a dot-product scorer, the weights of the first from a seed."""
    additive = student.AdditiveAttention(SIZE, SIZE, HIDDENS, dropout)
    additive.load_state_dict(amplify(additive.state_dict(), seed))
    return additive, student.DotProductAttention(dropout)


def weights_of(additive, queries, keys):
    """What the two scorers make of keys without padding: `(2, batch, queries, keys)`."""
    W_q, W_k, w_v = (additive.state_dict()[f"{name}.weight"] for name in ("W_q", "W_k", "w_v"))
    sums = (queries @ W_q.T)[:, :, None] + (keys @ W_k.T)[:, None]
    products = queries @ keys.transpose(1, 2) / SIZE**0.5
    return torch.stack([(sums.tanh() @ w_v.T).squeeze(-1), products]).softmax(-1)


def widest_gap(weights):
    """The largest difference between the first and the second weights, as a number."""
    return (weights[0] - weights[1]).abs().max().item()


def entry(report, name):
    """One entry of a report, or a failure that names it."""
    assert_that(isinstance(report, dict) and name in report, f"the report has no entry {name!r}")
    return report[name]


def assert_gap(report, wanted, *, atol=1e-5):
    """The gap is this number; that it is no tensor is a claim of its own."""
    assert_number(float(entry(report, "max_weight_gap")), wanted, atol=atol, what="max_weight_gap")


def assert_uniform(report, wanted):
    """Both scorers are uniform, or not."""
    got = bool(entry(report, "both_uniform"))
    assert_that(got == wanted, f"both_uniform is {got}, wanted {wanted}", both_uniform=got)


@worth(
    1,
    gate=True,
    examples=10,
    hint="Return a dictionary, and fill max_weight_gap from the attention weights of both scorers.",
)
@given(case=UNMASKED, seed=seeds())
def the_report_depends_on_the_keys(student, case, seed):
    """`compare_scorers` returns a dictionary whose `max_weight_gap` depends on the keys."""
    additive, dot = scorers(student, seed)
    others = normal(case.keys.shape, seed, scale=2.0)

    def gap(keys):
        report = student.compare_scorers(additive, dot, case.queries, keys, case.values, None)
        return entry(report, "max_weight_gap")

    assert_responds(gap, case.keys, others, what="max_weight_gap")


@worth(1, examples=10, hint="A tensor of one element becomes a number by .item().")
@given(case=MASKED, seed=seeds())
def entries_have_their_types(student, case, seed):
    """The gap is a float, `both_uniform` a bool, and `same_ranking` holds one boolean per query."""
    report = student.compare_scorers(*scorers(student, seed), *case.args)
    gap, uniform = entry(report, "max_weight_gap"), entry(report, "both_uniform")
    ranking = entry(report, "same_ranking")
    assert_that(isinstance(gap, float), "max_weight_gap is not a float", max_weight_gap=gap)
    assert_that(isinstance(uniform, bool), "both_uniform is not a bool", both_uniform=uniform)
    assert_shape(ranking, case.shape[:2], what="same_ranking")
    assert_dtype(ranking, torch.bool, what="same_ranking")


@worth(1, examples=15, hint="Subtract weight from weight, drop the sign, keep the largest of the whole batch.")
@given(case=UNMASKED, seed=seeds())
def the_gap_is_the_largest_difference(student, case, seed):
    """The gap is the largest absolute difference between two weights."""
    additive, dot = scorers(student, seed)
    wanted = widest_gap(weights_of(additive, case.queries, case.keys))
    assert_gap(student.compare_scorers(additive, dot, *case.args), wanted)


@worth(2, examples=15, hint="Uniform over the valid keys means 1 / valid length, not 1 / number of keys.")
@given(case=MASKED, seed=seeds())
def equal_keys_get_equal_weights(student, case, seed):
    """When all valid keys are equal, both scorers are uniform and the gap is 0."""
    unused = case.padded.all(1)[..., None]
    keys = torch.where(unused, case.keys, case.keys[:, :1])
    report = student.compare_scorers(*scorers(student, seed), case.queries, keys, case.values, case.valid_lens)
    assert_uniform(report, True)
    assert_gap(report, 0.0, atol=1e-6)


@worth(1, examples=10, hint="Test the weights of each scorer; both have to be uniform.")
@given(case=UNMASKED, seed=seeds())
def one_uniform_scorer_is_not_enough(student, case, seed):
    """`both_uniform` is False when only one of the scorers is uniform."""
    keys = normal(case.keys.shape, seed)
    queries = normal(case.queries.shape, seed + 1)
    additive, dot = scorers(student, seed)
    indifferent, _ = scorers(student, seed)
    indifferent.load_state_dict({name: torch.zeros_like(value) for name, value in additive.state_dict().items()})
    assert_uniform(student.compare_scorers(additive, dot, 0 * queries, keys, case.values, None), False)
    assert_uniform(student.compare_scorers(indifferent, dot, queries, keys, case.values, None), False)


@worth(1, examples=10, hint="A gap of 0 says that the scorers agree. On what, it does not say.")
@given(keys=st.integers(2, 6), at=st.integers(0, 5))
def agreement_is_not_uniformity(student, keys, at):
    """When both scorers put all weight on the same key, the gap is 0 and `both_uniform` is False."""
    additive, dot = scorers(student, 0)
    state = {name: torch.zeros_like(value) for name, value in additive.state_dict().items()}
    state["W_k.weight"][0, 0] = state["w_v.weight"][0, 0] = 100.0
    additive.load_state_dict(state)
    one = torch.zeros(1, keys, SIZE)
    one[0, at % keys, 0] = 100.0
    query = torch.full((1, 1, SIZE), 100.0)
    report = student.compare_scorers(additive, dot, query, one, one, None)
    assert_uniform(report, False)
    assert_gap(report, 0.0)


@worth(1, examples=15, hint="Hand valid_lens to both scorers.")
@given(case=PADDED, seed=seeds())
def more_padding_changes_nothing(student, case, seed):
    """Keys appended behind the valid lengths change nothing in the report."""
    modules = scorers(student, seed)
    lengths = case.valid_lens.int()
    longer = [torch.cat([X, torch.full_like(X[:, :1], POISON)], dim=1) for X in (case.keys, case.values)]
    report = student.compare_scorers(*modules, case.queries, case.keys, case.values, lengths)
    again = student.compare_scorers(*modules, case.queries, *longer, lengths)
    assert_gap(again, float(entry(report, "max_weight_gap")))
    assert_uniform(again, bool(entry(report, "both_uniform")))
    ranking = assert_shape(entry(report, "same_ranking"), case.shape[:2], what="same_ranking")
    assert_equal(entry(again, "same_ranking"), ranking, what="same_ranking")


@worth(1, examples=10, hint="attention_weights are the weights before dropout; outputs are not.")
@given(case=UNMASKED, seed=seeds())
def dropout_plays_no_part(student, case, seed):
    """Scorers that are training with dropout get the same report."""
    additive, dot = scorers(student, seed, dropout=0.5)
    wanted = widest_gap(weights_of(additive, case.queries, case.keys))
    assert_gap(student.compare_scorers(additive.train(), dot.train(), *case.args), wanted)


@worth(1, examples=20, hint="What must be true of two keys that no scorer whatever can tell apart?")
@given(m=st.integers(1, 6), d=st.integers(1, 6))
def agreeing_keys_are_indistinguishable(student, m, d):
    """`keys_that_agree` returns float32 keys, not all zero, that no scorer can tell apart."""
    keys = assert_shape(student.keys_that_agree(m, d), (m, d), what="keys")
    assert_finite(assert_dtype(keys, torch.float32, what="keys"), what="keys")
    assert_that(bool(keys.any()), "the keys are all zero", keys=keys)
    assert_equal(keys, keys[:1].expand(m, d).clone(), what="keys")


@worth(1, examples=10, hint="Measure your keys with compare_scorers before you return them.")
@given(counts=st.tuples(st.integers(1, 3), st.integers(2, 5)), seed=seeds())
def disagreeing_keys_open_a_gap(student, counts, seed):
    """On the keys of `keys_that_disagree` some weight of the two scorers differs by at least 0.2."""
    num_queries, m = counts
    additive, dot = scorers(student, seed)
    queries = normal((1, num_queries, SIZE), seed)
    frozen, _ = scorers(student, seed)
    keys = student.keys_that_disagree(additive, dot, queries.clone(), m)
    assert_shape(keys, (1, m, SIZE), what="keys")
    gap = widest_gap(weights_of(frozen, queries, assert_finite(keys, what="keys").detach().float()))
    assert_that(gap >= 0.2, f"on your keys no weight differs by more than {gap:.3g}", keys=keys)


@worth(1, group="robust", examples=6, hint="Work on copies, and switch every mode back that you switch.")
@given(modes=st.tuples(st.booleans(), st.booleans()), seed=seeds())
def searching_leaves_no_traces(student, modes, seed):
    """`keys_that_disagree` changes neither the queries nor the scorers, their parameters and their modes."""
    additive, dot = scorers(student, seed)
    additive.train(modes[0])
    dot.train(modes[1])
    queries = normal((1, 2, SIZE), seed)
    before = {"queries": queries.clone()} | {name: value.clone() for name, value in additive.state_dict().items()}
    student.keys_that_disagree(additive, dot, queries, 3)
    for name, value in ({"queries": queries} | additive.state_dict()).items():
        assert_unchanged(value, before[name], what=name)
    for name, scorer, mode in (("additive", additive, modes[0]), ("dot", dot, modes[1])):
        assert_that(scorer.training == mode, f"`{name}.training` was {mode} and is {not mode} after the call")


@worth(1, group="robust", examples=10, hint="Work on copies: the tensors and the parameters belong to the caller.")
@given(case=PADDED, seed=seeds())
def arguments_stay_as_they_are(student, case, seed):
    """Comparing changes neither the tensors nor the parameters of the scorers."""
    additive, dot = scorers(student, seed)
    tensors = dict(zip(("queries", "keys", "values", "valid_lens"), case.args, strict=True)) | additive.state_dict()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    equal = case.keys[:, :1].expand_as(case.keys).clone()
    assert_gap(student.compare_scorers(additive, dot, case.queries, equal, case.values, case.valid_lens), 0.0)
    student.compare_scorers(additive, dot, *case.args)
    for name, tensor in (tensors | additive.state_dict()).items():
        assert_unchanged(tensor, before[name], what=name)


@worth(1, group="robust", examples=12, hint="If you switch a mode, remember what `training` was and switch back.")
@given(case=UNMASKED, modes=st.tuples(st.booleans(), st.booleans()), seed=seeds())
def modes_stay_as_they_are(student, case, modes, seed):
    """A scorer in train mode is still in train mode afterwards, one in eval mode in eval mode."""
    additive, dot = scorers(student, seed)
    additive.train(modes[0])
    dot.train(modes[1])
    wanted = widest_gap(weights_of(additive, case.queries, case.keys))
    assert_gap(student.compare_scorers(additive, dot, *case.args), wanted)
    for name, scorer, before in (("additive", additive, modes[0]), ("dot", dot, modes[1])):
        now = scorer.training
        assert_that(now == before, f"`{name}.training` was {before} and is {now} after the call")


@worth(1, group="robust", examples=15, hint="A row without valid keys has nothing to compare; 1 / 0 is no weight.")
@given(case=PADDED, seed=seeds(), same=st.booleans())
def an_empty_example_changes_nothing(student, case, seed, same):
    """An example of length 0 changes neither the gap nor `both_uniform` (the book's own scorers look at it evenly)."""
    modules = scorers(student, seed)
    keys = case.keys[:, :1].expand_as(case.keys).clone() if same else case.keys
    tensors = (case.queries, keys, case.values, case.valid_lens)
    emptied = [torch.cat([X, X[:1]]) for X in tensors]
    emptied[-1][-1] = 0
    report = student.compare_scorers(*modules, *tensors)
    again = student.compare_scorers(*modules, *emptied)
    assert_gap(again, float(entry(report, "max_weight_gap")))
    assert_uniform(again, bool(entry(report, "both_uniform")))
