"""What anyone can check about scoring by a sum of vectors."""

from __future__ import annotations

import math
from functools import partial

import torch
from given.recall import recall_batch
from hypothesis import given
from torch import nn

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_finite,
    assert_gradcheck,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import Attention, attention_inputs, normal, seeds

HINTS = (
    (
        "Multiply the bracket of w . (q + k) out. Which of the two parts is the same along a whole row of scores, and "
        "what does a softmax do with it?"
    ),
    (
        "Score queries and keys each with w, one number a vector, and let broadcasting add them: (batch, queries, 1) "
        "and (batch, 1, keys). Which of them has to be transposed?"
    ),
    (
        "query_effect looks at the spread of each weight over the queries, the largest minus the smallest. For "
        "recall_accuracy train only what has parameters, then count right answers in evaluation mode."
    ),
)

WEIGHTS = "attention_weights"
SIZE = 7  # of queries and keys; no other size of a case is 7

sum_inputs = partial(attention_inputs, query_size=SIZE, key_size=SIZE)


def sum_attention(student, case):
    """A module for the case, in its dtype, with large weights. Return it and its `w`, (1, size)."""
    w = normal((1, SIZE), 1, dtype=case.keys.dtype)
    m = student.SumAttention(SIZE, 0.0).to(case.keys.dtype)
    m.load_state_dict({"w.weight": w}, strict=False)  # what else there is, `scoring_vector_is_the_only_parameter` says
    return m, w


def weights_after(m, case):
    """The attention weights of this call."""
    m(*case.args)
    return assert_shape(m.attention_weights, case.shape, what=WEIGHTS)


def largest_difference(case):
    """The most that a query changes in the weights of dot-product attention."""
    shown = torch.eye(case.shape[2], dtype=case.keys.dtype).repeat(case.shape[0], 1, 1)
    weights = nn.functional.scaled_dot_product_attention(case.queries, case.keys, shown)
    return (weights[:, :, None] - weights[:, None]).abs().max().item()


def accuracy(attention, seed):
    """How often the module is right on the 1000 examples on which `recall_accuracy` must measure it."""
    queries, keys, values, targets = recall_batch(1000, generator=torch.Generator().manual_seed(seed + 1))
    with torch.no_grad():
        outputs = assert_shape(attention(queries, keys, values), (1000, 1, values.shape[-1]), what="output")
    return (outputs[:, 0].argmax(-1) == targets).double().mean().item()


@worth(1, gate=True, examples=10, hint="Return one average of the values for every query.")
@given(case=sum_inputs(ones=False, lengths=("none", "per example")))
def output_has_the_shape_of_queries_by_values(student, case):
    """The output of `SumAttention` is (batch, queries, value_size), and depends on the values."""
    m = student.SumAttention(SIZE, 0.0)
    assert_shape(m(*case.args), (*case.shape[:2], case.values.shape[-1]), what="output")
    of_values = partial(m, case.queries, case.keys, valid_lens=case.valid_lens)
    assert_responds(of_values, case.values, case.values + 1, what="output")


@worth(1, examples=20, hint="One nn.Linear from `size` features to a single number, named w, without a bias.")
@given(case=sum_inputs(lengths=("none",)))
def scoring_vector_is_the_only_parameter(student, case):
    """The only parameter is `w.weight`, (1, size); when it is 0, every key gets the same weight."""
    m = student.SumAttention(SIZE, 0.0)
    parameters = dict(m.named_parameters())
    names = ", ".join(parameters) or "none"
    assert_that(list(parameters) == ["w.weight"], f"the parameters are {names}; wanted w.weight alone")
    assert_shape(parameters["w.weight"], (1, SIZE), what="w.weight")
    with torch.no_grad():
        parameters["w.weight"].zero_()
    assert_close(weights_after(m, case), torch.full(case.shape, 1 / case.shape[2]), what=WEIGHTS)


@worth(1, hint="Work through the example by hand: the query adds the same number to both scores.")
def example_comes_out(student):
    """The example of the exercise comes out: weights 0.75 and 0.25 for both queries, whose effect is 0."""
    m = student.SumAttention(2, 0.0)
    m.load_state_dict({"w.weight": torch.ones(1, 2)}, strict=False)
    queries, keys = torch.tensor([[[0.0, 0.0], [5.0, 2.0]]]), torch.tensor([[[math.log(3), 0.0], [0.0, 0.0]]])
    assert_close(m(queries, keys, torch.tensor([[[4.0], [8.0]]])), torch.tensor([[[5.0], [5.0]]]), what="output")
    assert_close(m.attention_weights, torch.tensor([[[0.75, 0.25], [0.75, 0.25]]]), what=WEIGHTS)
    assert_number(student.query_effect(m, queries, keys, keys), 0.0, atol=1e-5, what="query_effect")


@worth(1, examples=20, hint="Add the two vectors, then take one dot product: nothing else may mix query and key.")
@given(case=sum_inputs(dtype=torch.float64, lengths=("none", "per example"), ones=False))
def all_queries_get_the_same_weights(student, case):
    """All queries of an example look at the same keys, and in the same proportion."""
    m, _ = sum_attention(student, case)
    weights = weights_after(m, case)
    assert_close(weights, weights[:, :1].expand(case.shape), what=WEIGHTS)
    assert_that(bool((weights > 0).any()), "all weights are 0")


@worth(2, examples=30, hint="What is added to a whole row cancels in the softmax. What is left of w . (q + k)?")
@given(case=sum_inputs(dtype=torch.float64))
def weights_are_the_softmax_of_the_keys_alone(student, case):
    """The weights are the masked softmax of `w . k`, and the output is the values averaged under them."""
    m, w = sum_attention(student, case)
    scores = (case.keys @ w.T).transpose(1, 2).expand(case.shape)
    wanted = scores.masked_fill(case.padded, -torch.inf).softmax(-1)
    assert_close(m(*case.args), wanted @ case.values, what="output")
    assert_close(m.attention_weights, wanted, what=WEIGHTS)


@worth(0.5, examples=20, hint="w . (k + c) is w . k and a number that is the same for all keys.")
@given(case=sum_inputs(dtype=torch.float64, ones=False))
def moving_all_keys_together_changes_nothing(student, case):
    """Adding one and the same vector to all keys leaves the output as it was."""
    m, _ = sum_attention(student, case)
    moved = case.keys + normal((SIZE,), 2, dtype=torch.float64, scale=3.0)
    assert_close(m(case.queries, moved, case.values, case.valid_lens), m(*case.args), what="output with moved keys")


@worth(1, examples=20, hint="masked_softmax does this: give it the scores and the valid lengths.")
@given(case=sum_inputs(dtype=torch.float64))
def weights_share_1_among_the_valid_keys(student, case):
    """Each row of weights sums to 1, with exactly 0 on padded keys."""
    m, _ = sum_attention(student, case)
    weights = weights_after(m, case)
    assert_zero(weights, where=case.padded, what=WEIGHTS)
    assert_close(weights.sum(-1), torch.ones(case.shape[:2], dtype=torch.float64), what="row sums of the weights")


@worth(0.5, examples=5, hint="First store the weights, then put dropout on them, then multiply.")
@given(seed=seeds())
def dropout_falls_on_the_weights(student, seed):
    """In training with rate 0.75 each weight is dropped or quadrupled before the values, and stored as it was."""
    m = student.SumAttention(5, 0.75).train()
    shown_twice = torch.eye(6).repeat(3, 1, 2)  # (batch, keys, 2 * keys): the output is the weights, two times over
    output = m(normal((3, 4, 5), seed), normal((3, 6, 5), seed + 1), shown_twice)
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
@given(case=sum_inputs(lengths=("none",)))
def evaluation_drops_nothing(student, case):
    """In evaluation mode the output is the stored weights times the values, whatever the dropout rate."""
    m = student.SumAttention(SIZE, 0.5).eval()
    output = m(*case.args)
    weights = assert_shape(m.attention_weights, case.shape, what=WEIGHTS)
    assert_close(output, weights @ case.values, what="output")


@worth(0.5, examples=2, hint="Gradients must reach keys and values, and the stored weights too: no detach, no .data.")
@given(seed=seeds())
def gradients_are_right(student, seed):
    """The gradients of the output and of the stored weights with respect to keys and values are their derivatives."""
    m = student.SumAttention(4, 0.0).double()
    shapes = (2, 2, 4), (2, 3, 4), (2, 3, 2)
    queries, keys, values = (normal(shape, seed + i, dtype=torch.float64) for i, shape in enumerate(shapes))
    keys.requires_grad_()
    assert_gradcheck(partial(m, queries), keys, values.requires_grad_(), what="output")
    shown = m(queries, keys, torch.eye(3, dtype=torch.float64).repeat(2, 1, 1))
    (wanted,) = gradients(shown[..., 0], [keys], what="output")
    stored = assert_shape(m.attention_weights, (2, 2, 3), what=WEIGHTS)
    assert_close(gradients(stored[..., 0], [keys], what=WEIGHTS)[0], wanted, what=f"gradient of {WEIGHTS}")


@worth(1, examples=20, hint="Look at the weights, and compare the queries of one example with each other.")
@given(case=sum_inputs(dtype=torch.float64, lengths=("none",), ones=False, scale=4.0))
def effect_tells_sum_from_product(student, case):
    """The query has no effect on `SumAttention`; on dot-product attention it has one."""
    m, _ = sum_attention(student, case)
    of_sum = student.query_effect(m, case.queries, case.keys, case.values)
    of_product = student.query_effect(student.DotProductAttention(0.0), case.queries, case.keys, case.values)
    assert_number(of_sum, 0.0, atol=1e-6, what="query_effect of SumAttention")
    assert_number(of_product, largest_difference(case), atol=1e-6, what="query_effect of DotProductAttention")


@worth(2, examples=20, hint="Largest minus smallest weight over the queries, for each key; then the largest of all.")
@given(case=sum_inputs(lengths=("none",)))
def effect_is_the_largest_difference_of_weights(student, case):
    """The effect is the largest difference of weights between two queries of one example, even if all values agree."""
    effect = student.query_effect(
        student.DotProductAttention(0.0), case.queries, case.keys, torch.ones_like(case.values)
    )
    assert_number(effect, largest_difference(case), atol=1e-5, what="query_effect")


@worth(2, hint="Nothing to train is no error. Compare the class of the largest output with the target.")
def product_recalls(student):
    """`recall_accuracy` of dot-product attention, which has nothing to train, is what it is on the 1000 examples."""
    attention = student.DotProductAttention(0.0)
    for seed, options in ((0, {}), (1, {"seed": 1}), (2, {"seed": 2})):
        wanted = accuracy(attention, seed)
        assert_that(wanted >= 0.95, f"DotProductAttention is right in {wanted:.1%} of examples: look there first")
        got = student.recall_accuracy(attention, **options)
        assert_number(got, wanted, atol=1e-4, what=f"recall_accuracy with seed {seed}")


@worth(0.5, hint="A module is told that it is being measured by .eval().")
def accuracy_is_measured_without_dropout(student):
    """A dropout rate of 0.5 does not lower the accuracy: it is measured in evaluation mode."""
    wanted = accuracy(student.DotProductAttention(0.0), 0)
    assert_number(student.recall_accuracy(student.DotProductAttention(0.5)), wanted, atol=0.02, what="recall_accuracy")


@worth(0.5, examples=20, group="robust", hint="The book spreads such a row evenly. What does your masked_softmax do?")
@given(case=sum_inputs(lengths=("per example", "per query"), empty_rows=True))
def queries_without_keys_get_nothing(student, case):
    """A query without a valid key has weights of 0 and an output of 0."""
    m, _ = sum_attention(student, case)
    output = assert_finite(m(*case.args), what="output")
    empty = case.padded.all(-1, keepdim=True)  # (batch, queries, 1)
    assert_zero(output, where=empty.expand(-1, -1, case.values.shape[-1]), what="output")
    assert_zero(m.attention_weights, where=case.padded, what=WEIGHTS)


@worth(
    0.5,
    examples=20,
    group="robust",
    hint="A method that ends in _ changes its tensor; so does assigning to a slice.",
)
@given(case=sum_inputs())
def arguments_are_left_alone(student, case):
    """Queries, keys, values and valid lengths are after a call what they were before."""
    m, _ = sum_attention(student, case)
    before = [None if part is None else part.clone() for part in case.args]
    assert_finite(m(*case.args), what="output")
    student.query_effect(m, *case.args[:3])
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)


@worth(0.5, group="robust", hint="Remember the mode, or do without: do the stored weights depend on it?")
def measuring_leaves_the_mode(student):
    """After `query_effect` a module is in the mode, training or evaluation, in which it was before."""
    x = torch.eye(4)[None]
    for training in (True, False):
        attention = student.DotProductAttention(0.5).train(training)
        effect = student.query_effect(attention, x, x, x)
        assert_number(effect, (math.exp(0.5) - 1) / (math.exp(0.5) + 3), atol=1e-5, what="query_effect")
        assert_that(attention.training is training, "your code changed the mode of the module", training=not training)


@worth(0.5, examples=20, group="robust", hint="Float16 ends at 65504: does every constant of yours fit?")
@given(half=sum_inputs(dtype=torch.float16), brain=sum_inputs(dtype=torch.bfloat16))
def half_precision_works(student, half, brain):
    """In float16 and bfloat16 the output has the dtype of the inputs, and the weights sum to 1."""
    for case in (half, brain):
        m, _ = sum_attention(student, case)
        assert_finite(assert_dtype(m(*case.args), case.keys.dtype, what="output"), what="output")
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
    layer, w = sum_attention(student, case)
    wanted = (case.keys @ w.T).transpose(1, 2).masked_fill(case.padded, -torch.inf).softmax(-1)  # the queries cancel
    _assert_weights(layer, case, lambda weights: assert_close(weights, wanted, **LOOSE))


@step("the vector w")
def vector_is_there(student):
    found = {name: tuple(each.shape) for name, each in student.SumAttention(5, 0.0).named_parameters()}
    assert_that(found == {"w.weight": (1, 5)}, f"the parameters are {found}, wanted w.weight: (1, 5)")


@step("weights that sum to 1 over the keys")
@given(case=sum_inputs(ones=False, lengths=("none",)))
def weights_sum_to_one(student, case):
    _assert_weights(sum_attention(student, case)[0], case, _assert_shared_out)


@step("the sum of query and key, scored by w")
def larger_sums_weigh_more(student):
    case = Attention(normal((4, 5, SIZE), 1), normal((4, 8, SIZE), 2), normal((4, 8, 3), 3), None)
    layer, w = sum_attention(student, case)
    scores = (case.keys @ w.T).transpose(1, 2).expand(case.shape)
    _assert_weights(layer, case, lambda weights: _assert_same_order(weights, scores))


@step("the size of the scores before the softmax")
@given(case=sum_inputs(ones=False, lengths=("none",)))
def weights_without_padding(student, case):
    _assert_right_weights(student, case)


@step("the masking of padded keys")
@given(case=sum_inputs(ones=False, lengths=("per example", "per query")))
def weights_with_padding(student, case):
    _assert_right_weights(student, case)


@step("the weighted sum of the values")
@given(case=sum_inputs())
def values_are_averaged(student, case):
    layer, w = sum_attention(student, case)
    weights = (case.keys @ w.T).transpose(1, 2).masked_fill(case.padded, -torch.inf).softmax(-1)
    assert_close(layer(*case.args), weights @ case.values, what="output", **LOOSE)
