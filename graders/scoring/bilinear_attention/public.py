"""What anyone can check about bilinear attention."""

from __future__ import annotations

import math
from functools import partial

import torch
from hypothesis import given
from torch import nn

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import Attention, attention_inputs, normal, padding, seeds

HINTS = (
    "Once the query is in the space of the keys, this is an attention that you have already written. Which one?",
    (
        "One nn.Linear without bias takes the query from its width to that of the keys. Then under which width does "
        "the root stand?"
    ),
    (
        "You may inherit from your DotProductAttention, add W in the constructor, and hand the projected queries on "
        "to its forward pass: mask, dropout and weights come with it."
    ),
)

WEIGHTS = "attention_weights"


def attention_for(student, case, *, scale=1.0):
    """A module for the case, in its dtype; `W` is normal with this standard deviation."""
    query_size, key_size = case.queries.shape[-1], case.keys.shape[-1]
    W = normal((key_size, query_size), 1, dtype=case.queries.dtype, scale=scale)
    m = student.BilinearAttention(query_size, key_size, 0.0).to(case.queries.dtype)
    m.load_state_dict({"W.weight": W}, strict=False)  # what else there is, `projection_is_the_only_parameter` says
    return m


def weights_after(m, queries, keys, values, valid_lens=None):
    """The attention weights of this call."""
    m(queries, keys, values, valid_lens)
    return assert_shape(m.attention_weights, (*queries.shape[:2], keys.shape[1]), what=WEIGHTS)


def score_differences(m, queries, keys, values):
    """How far the score of each key is above that of the first: a softmax keeps the differences, as logarithms."""
    logs = weights_after(m, queries, keys, values).log()
    return logs - logs[..., :1]


@worth(1, gate=True, examples=10, hint="Return one average of the values for every query.")
@given(case=attention_inputs(ones=False, lengths=("none", "per example")))
def output_has_the_shape_of_queries_by_values(student, case):
    """The output is (batch, queries, value_size), and depends on the values."""
    m = student.BilinearAttention(case.queries.shape[-1], case.keys.shape[-1], 0.0)
    output = m(*case.args)
    assert_shape(output, (*case.queries.shape[:2], case.values.shape[-1]), what="output")
    of_values = partial(m, case.queries, case.keys, valid_lens=case.valid_lens)
    assert_responds(of_values, case.values, case.values + 1, what="output")


@worth(1, examples=20, hint="One nn.Linear from the query's width to the key's, named W, without a bias.")
@given(case=attention_inputs(lengths=("none",), ones=False))
def projection_is_the_only_parameter(student, case):
    """The only parameter is `W.weight`, (key_size, query_size); when it is 0, every key gets the same weight."""
    query_size, key_size = case.queries.shape[-1], case.keys.shape[-1]
    m = student.BilinearAttention(query_size, key_size, 0.0)
    parameters = dict(m.named_parameters())
    names = ", ".join(parameters) or "none"
    assert_that(list(parameters) == ["W.weight"], f"the parameters are {names}; wanted W.weight alone")
    assert_shape(parameters["W.weight"], (key_size, query_size), what="W.weight")
    with torch.no_grad():
        parameters["W.weight"].zero_()
    assert_close(weights_after(m, *case.args), torch.full(case.shape, 1 / case.shape[2]), what=WEIGHTS)


@worth(1, hint="Work through the example by hand: which width stands under the root?")
def example_comes_out(student):
    """The example of the exercise comes out: weights 0.75 and 0.25, output 5."""
    m = student.BilinearAttention(1, 4, 0.0)
    m.load_state_dict({"W.weight": torch.ones(4, 1)}, strict=False)
    queries = torch.tensor([[[2.0]]])
    keys = torch.tensor([[[math.log(3), 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    values = torch.tensor([[[4.0], [8.0]]])
    assert_close(m(queries, keys, values), torch.tensor([[[5.0]]]), what="output")
    assert_close(m.attention_weights, torch.tensor([[[0.75, 0.25]]]), what=WEIGHTS)


@worth(1.5, examples=20, hint="Project the query, multiply it with the keys, divide by a root; nothing else.")
@given(case=attention_inputs(query_size=7, key_size=7, dtype=torch.float64))
def identity_gives_dot_product_attention(student, case):
    """Where `W` is the identity, it is scaled dot-product attention."""
    oracle = partial(nn.functional.scaled_dot_product_attention, case.queries, case.keys, attn_mask=~case.padded)
    wanted = oracle(case.values)
    wanted_weights = oracle(torch.eye(case.shape[2], dtype=torch.float64).expand(case.shape[0], -1, -1))
    m = student.BilinearAttention(7, 7, 0.0).double()
    m.load_state_dict({"W.weight": torch.eye(7, dtype=torch.float64)}, strict=False)
    assert_close(m(*case.args), wanted, what="output")
    assert_close(m.attention_weights, wanted_weights, what=WEIGHTS)


@worth(1, examples=20, hint="Nothing may bend or shift the query on its way to the keys: a matrix is all there is.")
@given(case=attention_inputs(lengths=("none",), dtype=torch.float64, ones=False))
def scores_are_linear_in_the_queries(student, case):
    """The score of 2q - 3r is twice that of q minus three times that of r (as differences between keys)."""
    m = attention_for(student, case)
    other = normal(case.queries.shape, 2, dtype=torch.float64)
    of_q, of_r, of_both = (
        score_differences(m, queries, case.keys, case.values)
        for queries in (case.queries, other, 2 * case.queries - 3 * other)
    )
    assert_close(of_both, 2 * of_q - 3 * of_r, rtol=1e-6, atol=1e-6, what="differences of the scores")


@worth(1, examples=20, hint="A key enters its score as it is: not squashed, not normalised.")
@given(case=attention_inputs(lengths=("none",), dtype=torch.float64, ones=False))
def scores_are_linear_in_the_keys(student, case):
    """The score of 2k - 3l is twice that of k minus three times that of l (as differences between keys)."""
    m = attention_for(student, case)
    other = normal(case.keys.shape, 2, dtype=torch.float64)
    of_k, of_l, of_both = (
        score_differences(m, case.queries, keys, case.values) for keys in (case.keys, other, 2 * case.keys - 3 * other)
    )
    assert_close(of_both, 2 * of_k - 3 * of_l, rtol=1e-6, atol=1e-6, what="differences of the scores")


@worth(1, examples=20, hint="masked_softmax does this: give it the scores and the valid lengths.")
@given(case=attention_inputs(dtype=torch.float64))
def weights_share_1_among_the_valid_keys(student, case):
    """Each row of weights sums to 1, with exactly 0 on padded keys."""
    m = attention_for(student, case)
    weights = weights_after(m, *case.args)
    assert_zero(weights, where=case.padded, what=WEIGHTS)
    assert_close(weights.sum(-1), torch.ones(case.shape[:2], dtype=torch.float64), what="row sums of the weights")
    assert_that(bool((weights >= 0).all()), "some weights are negative", **{WEIGHTS: weights})


@worth(0.5, examples=20, hint="What lies past the valid length must not reach the output in any way.")
@given(case=attention_inputs(dtype=torch.float64, lengths=("per example", "per query")))
def longer_padding_changes_nothing(student, case):
    """Appending padded keys and values, whatever they hold, leaves the output as it was."""
    m = attention_for(student, case)
    keys, values = (nn.functional.pad(X, (0, 0, 0, 2), value=1e3) for X in (case.keys, case.values))
    short = m(*case.args)
    assert_close(m(case.queries, keys, values, case.valid_lens), short, what="output with longer padding")


@worth(0.5, examples=20, hint="Each example of a batch has its own keys and its own valid length.")
@given(case=attention_inputs(dtype=torch.float64, ones=False))
def examples_are_independent(student, case):
    """Each example alone gives what it gives in the batch."""
    m = attention_for(student, case, scale=4.0)
    together = assert_shape(m(*case.args), (*case.shape[:2], case.values.shape[-1]), what="output")
    for i in range(case.shape[0]):
        alone = m(*(part if part is None else part[i : i + 1] for part in case.args))
        assert_close(alone, together[i : i + 1], what=f"output for example {i} alone")


@worth(0.5, examples=20, hint="Transpose the keys; a reshape mixes one key with the next.")
@given(case=attention_inputs(dtype=torch.float64, lengths=("none",), ones=False))
def order_of_the_keys_is_irrelevant(student, case):
    """Turning around the order of keys and values together leaves the output as it was."""
    m = attention_for(student, case, scale=4.0)
    before = m(case.queries, case.keys, case.values)
    assert_close(m(case.queries, case.keys.flip(1), case.values.flip(1)), before, what="output in the other order")


@worth(1, examples=5, hint="First store the weights, then put dropout on them, then multiply.")
@given(seed=seeds())
def dropout_falls_on_the_weights(student, seed):
    """In training with rate 0.75 each weight is dropped or quadrupled before the values, and stored as it was."""
    m = student.BilinearAttention(5, 2, 0.75).train()
    shown_twice = torch.eye(6).repeat(3, 1, 2)  # (batch, keys, 2 * keys): the output is the weights, two times over
    output = m(normal((3, 4, 5), seed), normal((3, 6, 2), seed + 1), shown_twice)
    left, right = assert_shape(output, (3, 4, 12), what="output").chunk(2, -1)
    stored = assert_shape(m.attention_weights, (3, 4, 6), what=WEIGHTS)
    assert_close(stored.sum(-1), torch.ones(3, 4), what="row sums of the stored weights")
    assert_close(left, right, what="output for equal values")
    dropped = left == 0
    assert_that(bool(dropped.any()), "in training with dropout 0.75 no weight was dropped", output=output)
    assert_close(left, (4 * stored).masked_fill(dropped, 0), what="dropped weights")
    assert_that(not torch.equal(dropped[:, 0], dropped[:, 1]), "all queries lose the same weights")
    assert_that(not torch.equal(dropped[0], dropped[1]), "all examples lose the same weights")


@worth(0.5, examples=20, hint="nn.Dropout knows whether the module is training; a function must be told.")
@given(case=attention_inputs(lengths=("none",)))
def evaluation_drops_nothing(student, case):
    """In evaluation mode the output is the stored weights times the values, whatever the dropout rate."""
    m = student.BilinearAttention(case.queries.shape[-1], case.keys.shape[-1], 0.5).eval()
    output = m(*case.args)
    weights = assert_shape(m.attention_weights, case.shape, what=WEIGHTS)
    assert_close(output, weights @ case.values, what="output")


@worth(1, examples=2, hint="Gradients must reach queries, keys and values: no detach, no .data, no numpy.")
@given(seed=seeds())
def gradients_are_right(student, seed):
    """The gradients of the output with respect to queries, keys and values are its derivatives."""
    shapes = (2, 3, 4), (2, 2, 3), (2, 2, 5)
    inputs = [normal(shape, seed + i, dtype=torch.float64).requires_grad_() for i, shape in enumerate(shapes)]
    assert_gradcheck(student.BilinearAttention(4, 3, 0.0).double(), *inputs, what="output")


@worth(0.5, examples=20, hint="Store the weights as they come out of the softmax, without detach.")
@given(case=attention_inputs(dtype=torch.float64, lengths=("none",), ones=False))
def stored_weights_belong_to_the_graph(student, case):
    """The stored weights have a gradient: that of the output, when the values are chosen to show the weights."""
    m = attention_for(student, case)
    queries = case.queries.requires_grad_()
    shown = m(queries, case.keys, torch.eye(case.shape[2], dtype=torch.float64).repeat(case.shape[0], 1, 1))
    stored = m.attention_weights
    (wanted,) = gradients(assert_shape(shown, case.shape, what="output")[..., 0], [queries], what="output")
    (got,) = gradients(assert_shape(stored, case.shape, what=WEIGHTS)[..., 0], [queries], what=WEIGHTS)
    assert_close(got, wanted, what=f"gradient of {WEIGHTS}")


@worth(1, examples=20, group="robust", hint="The book spreads such a row evenly. What does your masked_softmax do?")
@given(case=attention_inputs(lengths=("per example", "per query"), empty_rows=True))
def queries_without_keys_get_nothing(student, case):
    """A query without a valid key has weights of 0 and an output of 0."""
    m = attention_for(student, case)
    empty = padding(case.valid_lens, case.shape).all(-1)  # (batch, queries)
    output = assert_finite(m(*case.args), what="output")
    assert_zero(output, where=empty[..., None].expand(*empty.shape, case.values.shape[-1]), what="output")
    assert_zero(m.attention_weights, where=case.padded, what=WEIGHTS)


@worth(
    0.5,
    examples=20,
    group="robust",
    hint="A method that ends in _ changes its tensor, and so does assigning to a slice.",
)
@given(case=attention_inputs())
def arguments_are_left_alone(student, case):
    """Queries, keys, values and valid lengths are after the call what they were before, so a second call agrees."""
    m = attention_for(student, case)
    before = [None if part is None else part.clone() for part in case.args]
    first = assert_finite(m(*case.args), what="output")
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)
    assert_equal(m(*case.args), first, what="output of a second call")


@worth(0.5, examples=20, group="robust", hint="Float16 ends at 65504: does every constant of yours fit?")
@given(half=attention_inputs(dtype=torch.float16), brain=attention_inputs(dtype=torch.bfloat16))
def half_precision_works(student, half, brain):
    """In float16 and bfloat16 the output has the dtype of the inputs, and the weights sum to 1."""
    for case in (half, brain):
        m = attention_for(student, case)
        assert_finite(assert_dtype(m(*case.args), case.queries.dtype, what="output"), what="output")
        weights = assert_shape(m.attention_weights, case.shape, what=WEIGHTS)
        assert_close(weights.float().sum(-1), torch.ones(case.shape[:2]), atol=1e-2, what="row sums of the weights")


# The steps on the way, for a student who fails


LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32


def _assert_weights(layer, case, check):
    """What the layer multiplies the values by, read off values that are the identity, or else what it stores."""
    identity = torch.eye(case.shape[2], dtype=case.values.dtype).repeat(case.shape[0], 1, 1)
    try:
        check(assert_shape(layer(case.queries, case.keys, identity, case.valid_lens), case.shape))
    except Mismatch:
        check(assert_shape(layer.attention_weights, case.shape, what="attention_weights"))


def _assert_shared_out(weights):
    assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), what="weights.sum(-1)", atol=1e-5, dtype=False)


def _assert_same_order(weights, scores):
    """Whatever the scale of the scores is, no larger one has a smaller weight, and the weights do differ."""
    differences = weights[..., None] - weights[..., None, :]
    kept = differences * (scores[..., None] - scores[..., None, :]) >= -1e-9
    assert_that(bool(kept.all()), "a key with a larger score has a smaller weight", weights=weights)
    assert_that(bool((differences.amax((-1, -2)) > 1e-4).all()), "all keys weigh the same", weights=weights)


def _assert_right_weights(student, case):
    layer = attention_for(student, case)
    _assert_weights(
        layer, case, lambda weights: assert_close(weights, _wanted(layer, case, torch.eye(case.shape[2])), **LOOSE)
    )


def _wanted(layer, case, values):
    """What PyTorch makes of the projected queries."""
    queries = torch.einsum("bqi,ki->bqk", case.queries, layer.state_dict()["W.weight"])
    values = values.to(queries.dtype).expand(case.shape[0], -1, -1)
    return nn.functional.scaled_dot_product_attention(queries, case.keys, values, attn_mask=~case.padded)


@step("the matrix W")
def matrix_is_there(student):
    found = {name: tuple(each.shape) for name, each in student.BilinearAttention(5, 3, 0.0).named_parameters()}
    assert_that(found == {"W.weight": (3, 5)}, f"the parameters are {found}, wanted W.weight: (3, 5)")


@step("weights that sum to 1 over the keys")
@given(case=attention_inputs(ones=False, lengths=("none",)))
def weights_sum_to_one(student, case):
    _assert_weights(attention_for(student, case), case, _assert_shared_out)


@step("the dot products of projected queries and keys")
def larger_products_weigh_more(student):
    case = Attention(normal((2, 5, 3), 1), normal((2, 6, 4), 2), normal((2, 6, 7), 3), None)
    layer = attention_for(student, case, scale=0.3)
    products = torch.einsum("bqi,ki,bmk->bqm", case.queries, layer.state_dict()["W.weight"], case.keys)
    _assert_weights(layer, case, lambda weights: _assert_same_order(weights, products))


@step("the scaling of the scores before the softmax")
@given(case=attention_inputs(ones=False, lengths=("none",)))
def weights_without_padding(student, case):
    _assert_right_weights(student, case)


@step("the masking of padded keys")
@given(case=attention_inputs(ones=False, lengths=("per example", "per query")))
def weights_with_padding(student, case):
    _assert_right_weights(student, case)


@step("the weighted sum of the values")
@given(case=attention_inputs())
def values_are_averaged(student, case):
    layer = attention_for(student, case)
    assert_close(layer(*case.args), _wanted(layer, case, case.values), what="output", **LOOSE)
