"""What anyone can check about scaled dot-product attention."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import Attention, attention_inputs, normal

HINTS = (
    (
        "All dot products of queries and keys of an example are one matrix product. Which two axes of the keys must "
        "change places for it?"
    ),
    (
        "How large is a sum of d random products? Divide by its standard deviation, which is no function of the "
        "number of keys, before the softmax."
    ),
    (
        "In this order: product, division, masked_softmax, store the weights, dropout, product with the values. Read "
        "the width off the queries in the forward pass."
    ),
)

LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32
FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def _cases(**options):
    """Inputs whose queries and keys have a width that no count has."""
    return st.sampled_from([7, 9]).flatmap(lambda d: attention_inputs(query_size=d, key_size=d, **options))


def _inputs(batch=2, queries=3, keys=4, *, d=5, dtype=torch.float32):
    """Inputs of these counts, without lengths; the values have 6 features."""
    shapes = (batch, queries, d), (batch, keys, d), (batch, keys, 6)
    return Attention(*(normal(shape, seed, dtype=dtype) for seed, shape in enumerate(shapes)), None)


def _layer(student, *, dropout=0.0):
    return student.DotProductAttention(dropout).eval()


def _attend(layer, *args):
    """The output and the weights of one call."""
    batch, queries, keys = args[0].shape[0], args[0].shape[1], args[1].shape[1]
    output = assert_shape(layer(*args), (batch, queries, args[2].shape[-1]), what="output")
    return output, assert_shape(layer.attention_weights, (batch, queries, keys), what="attention_weights")


@worth(1, gate=True, hint="Return the weights times the values: one row of value_size numbers for every query.")
def answers_every_query(student):
    """The output has one row for every query and depends on the inputs."""
    layer = _layer(student)
    first, second = ([normal((2, n, 4), seed + n) for n in (3, 6, 6)] for seed in (1, 2))
    output = assert_shape(layer(*first, None), (2, 3, 4), what="output")
    assert_not_copied(output, first[0], what="output")
    assert_responds(lambda args: layer(*(x.clone() for x in args), None), first, second, what="output")


@worth(0.5, hint="Everything to learn is in the vectors that come in.")
def has_nothing_to_learn(student):
    """The layer has no parameters: two of them answer the same."""
    layer = _layer(student)
    found = [name for name, _ in layer.named_parameters()]
    assert_that(not found, f"the layer has the parameters {', '.join(found)}, wanted none")
    wanted, _ = _attend(_layer(student), *_inputs().args)
    assert_equal(_attend(layer, *_inputs().args)[0], wanted, what="output of a second layer")


@worth(2, hint="Dot product, root of the width, mask, softmax, values: which of them, and in which order?", examples=20)
@given(case=_cases())
def agrees_with_pytorch(student, case):
    """The output is that of PyTorch's own scaled_dot_product_attention."""
    wanted = nn.functional.scaled_dot_product_attention(*case.args[:3], attn_mask=~case.padded)
    output, _ = _attend(_layer(student), *case.args)
    assert_close(output, wanted, what="output", **LOOSE)


@worth(1, hint="By what does the variance of a dot product grow with the width of its vectors?")
def scores_have_variance_one(student):
    """For random inputs of width 4, 64 and 1024 the scores, read off the weights, have a variance of about 1."""
    for d in (4, 64, 1024):
        case = _inputs(2, 64, 48, d=d, dtype=torch.float64)
        _, weights = _attend(_layer(student), *case.args)
        variance = (
            weights.clamp_min(1e-300).log().var(-1).mean().item()
        )  # of log-weights, which are scores but for a shift
        assert_that(0.7 < variance < 1.3, f"at width {d} the scores have variance {variance:.3g}, wanted about 1")


@worth(0.5, hint="Long queries are sure of themselves: do you normalise their length away?", examples=12)
@given(case=_cases(ones=False))
def longer_queries_look_more_sharply(student, case):
    """A longer query never has a smaller largest weight, and a query of zeros weighs all valid keys equally."""
    layer = _layer(student)
    largest = [_attend(layer, c * case.queries, *case.args[1:])[1].amax(-1) for c in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert_close(largest[0], 1 / (~case.padded).sum(-1).float(), what="the largest weight of a query of zeros")
    for flat, sharp in pairwise(largest):
        assert_that(
            bool((sharp >= flat - 1e-6).all()), "a longer query has a smaller largest weight", flat=flat, sharp=sharp
        )
    assert_that(bool((largest[-1] > largest[2]).any()), "queries four times as long get the same weights")


@worth(0.5, hint="The softmax runs over the keys: that is the last axis of the scores.", examples=12)
@given(case=_cases(ones=False))
def weights_are_a_distribution(student, case):
    """The weights of each query are not negative and sum to 1 over the keys."""
    _, weights = _attend(_layer(student), *case.args)
    assert_that(bool((weights >= 0).all()), "a weight is negative", attention_weights=weights)
    assert_close(weights.sum(-1), torch.ones(case.shape[:2]), what="attention_weights.sum(-1)")


@worth(0.5, hint="Give valid_lens to masked_softmax, as they came.", examples=12)
@given(case=_cases(ones=False, lengths=("per example", "per query")))
def padded_keys_get_no_weight(student, case):
    """Keys past the valid length get weight exactly 0, and the others more."""
    _, weights = _attend(_layer(student), *case.args)
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_that(bool((weights > 0)[~case.padded].all()), "a valid key gets no weight", attention_weights=weights)


@worth(0.5, hint="What you store must be what you multiply the values by (dropout aside).", examples=12)
@given(case=_cases(ones=False))
def output_averages_the_values(student, case):
    """The output is the average of the values under attention_weights."""
    output, weights = _attend(_layer(student), *case.args)
    assert_close(output, weights @ case.values, what="output", **LOOSE)


@worth(0.5, hint="An average of some numbers is never larger than all of them.", examples=12)
@given(case=_cases(ones=False))
def output_stays_among_the_values(student, case):
    """Each number of the output lies between the least and the largest of the valid values in its column."""
    padded, values = case.padded[..., None], case.values[:, None]
    least = values.masked_fill(padded, torch.inf).amin(2)
    largest = values.masked_fill(padded, -torch.inf).amax(2)
    output, _ = _attend(_layer(student), *case.args)
    inside = (output >= least - 1e-4) & (output <= largest + 1e-4)
    assert_that(bool(inside.all()), "a number of the output lies outside the values", output=output)


@worth(0.5, hint="Which axis of the scores belongs to the keys? A reshape does not exchange axes.", examples=12)
@given(case=_cases(ones=False, lengths=("none",)))
def order_of_pairs_does_not_matter(student, case):
    """Rotating the key-value pairs rotates the weights and leaves the output alone."""
    layer = _layer(student)
    output, weights = _attend(layer, *case.args)
    rotated, rotated_weights = _attend(layer, case.queries, case.keys.roll(1, 1), case.values.roll(1, 1), None)
    assert_close(rotated_weights, weights.roll(1, -1), what="attention_weights", **LOOSE)
    assert_close(rotated, output, what="output", **LOOSE)


@worth(0.5, hint="Which axis of the scores belongs to the queries? A reshape does not exchange axes.", examples=12)
@given(case=_cases(ones=False, lengths=("none", "per example")))
def order_of_queries_is_kept(student, case):
    """Rotating the queries rotates the output, and the weights with it."""
    layer = _layer(student)
    output, weights = _attend(layer, *case.args)
    rotated, rotated_weights = _attend(layer, case.queries.roll(1, 1), *case.args[1:])
    assert_close(rotated_weights, weights.roll(1, 1), what="attention_weights", **LOOSE)
    assert_close(rotated, output.roll(1, 1), what="output", **LOOSE)


@worth(0.5, hint="Each example has its own lengths, and nothing is shared along the batch.", examples=10)
@given(case=_cases(ones=False))
def examples_do_not_mix(student, case):
    """Each example alone gets what it gets in the batch."""
    layer = _layer(student)
    output, weights = _attend(layer, *case.args)
    for i in range(case.shape[0]):
        alone, its_weights = _attend(layer, *(None if x is None else x[i : i + 1] for x in case.args))
        assert_close(its_weights, weights[i : i + 1], what=f"attention_weights of example {i} alone", **LOOSE)
        assert_close(alone, output[i : i + 1], what=f"output of example {i} alone", **LOOSE)


@worth(0.5, hint="Padding must not reach a sum, a scale or a softmax.", examples=12)
@given(case=_cases(ones=False))
def more_padding_changes_nothing(student, case):
    """Appending keys and values past the valid lengths changes no output."""
    batch, _, count = case.shape
    lengths = torch.full((batch,), count) if case.valid_lens is None else case.valid_lens
    keys, values = (nn.functional.pad(x, (0, 0, 0, 2), value=9.0) for x in (case.keys, case.values))
    layer = _layer(student)
    short, weights = _attend(layer, *case.args)
    long, long_weights = _attend(layer, case.queries, keys, values, lengths)
    assert_close(long_weights[..., :count], weights, what="attention_weights of the old keys", **LOOSE)
    assert_close(long, short, what="output", **LOOSE)


@worth(0.5, hint="Does an exponential of yours meet a large score? torch's softmax takes the maximum off first.")
def large_scores_pick_one_key(student):
    """With scores in the thousands the best key takes all the weight, and nothing overflows."""
    case = _inputs()
    best = (case.queries @ case.keys.transpose(1, 2)).argmax(-1)
    _, weights = _attend(_layer(student), 1e4 * case.queries, *case.args[1:])
    assert_close(weights, nn.functional.one_hot(best, 4).float(), what="attention_weights")


@worth(0.5, hint="nn.Dropout knows whether the module is training; F.dropout has to be told.")
def dropout_rests_in_eval_mode(student):
    """In eval mode dropout does nothing: the output is the average under the weights, and repeats exactly."""
    case = _inputs()
    layer = _layer(student, dropout=0.5)
    output, weights = _attend(layer, *case.args)
    assert_close(output, weights @ case.values, what="output", **LOOSE)
    assert_equal(_attend(layer, *case.args)[0], output, what="output, second time")


@worth(0.5, hint="Dropout acts on the finished weights, with the probability that the constructor was given.")
def dropout_falls_on_the_weights(student):
    """In training, with dropout=0.75, a weight counts as 0 three times in four and otherwise four times as much."""
    case = _inputs(queries=16, keys=64)
    layer = _layer(student, dropout=0.75).train()
    output, weights = _attend(layer, *case.args[:2], torch.eye(64).expand(2, 64, 64), None)
    assert_close(output, torch.where(output == 0, 0, 4 * weights), what="output for values that are the identity")
    share = (output == 0).float().mean().item()
    assert_that(0.65 < share < 0.85, f"dropout=0.75 dropped {share:.0%} of the weights")
    dropped, again = output == 0, layer(*case.args[:2], torch.eye(64).expand(2, 64, 64), None) == 0
    assert_that(not torch.equal(dropped[0], dropped[1]), "all examples lose the same weights")
    assert_that(not torch.equal(dropped[:, 0], dropped[:, 1]), "all queries lose the same weights")
    assert_that(not torch.equal(dropped, again), "two calls lose the same weights")


@worth(0.5, hint="What is dropped must be made up for by the rest; nn.Dropout does both.")
def dropout_keeps_the_mean(student):
    """In training, the mean of many outputs is the output of eval mode."""
    case = _inputs(1)
    values = case.values.abs() + 1
    layer = _layer(student, dropout=0.5)
    wanted, _ = _attend(layer, *case.args[:2], values, None)
    copies = (x.expand(1500, -1, -1).clone() for x in (case.queries, case.keys, values))
    outputs, _ = _attend(layer.train(), *copies, None)
    assert_that(bool((outputs != wanted).any()), "dropout=0.5 drops nothing in training")
    assert_close(outputs.mean(0, keepdim=True), wanted, rtol=0.0, atol=0.25, what="the mean of 1500 outputs")


@worth(0.5, hint="Drop weights, not outputs: a dropped key is missing from all columns.")
def dropout_takes_whole_keys(student):
    """In training, equal columns of the values give equal columns of the output."""
    case = _inputs(queries=6, keys=8)
    values = case.values[..., :1].expand_as(case.values)
    output, _ = _attend(_layer(student, dropout=0.5).train(), *case.args[:2], values, None)
    assert_close(output, output[..., :1].expand_as(output), what="output for equal columns")


@worth(0.5, hint="Store the weights before dropout, straight from the softmax.")
def stored_weights_are_undropped(student):
    """In training, attention_weights are the same as in eval mode."""
    case = _inputs(keys=8)
    layer = _layer(student, dropout=0.5)
    _, wanted = _attend(layer, *case.args)
    _, weights = _attend(layer.train(), *case.args)
    assert_close(weights, wanted, what="attention_weights")


@worth(0.5, hint="No detach(), .data or no_grad() in the forward pass: the stored weights are part of the graph too.")
def stored_weights_keep_their_gradient(student):
    """A loss on attention_weights reaches the queries and the keys."""
    case = _inputs()
    inputs = {"queries": case.queries.requires_grad_(), "keys": case.keys.requires_grad_()}
    _, weights = _attend(_layer(student), *case.args)
    found = gradients(weights[..., 0], list(inputs.values()), what="attention_weights")
    for name, grad in zip(inputs, found, strict=True):
        assert_that(bool(grad.any()), f"a loss on attention_weights does not reach the {name}")


@worth(0.5, hint="Everything between the inputs and the output has to be a torch operation that stays in the graph.")
def gradients_are_derivatives(student):
    """The gradients of the output with respect to queries, keys and values are its derivatives."""
    case = _inputs(1, 2, 3, dtype=torch.float64)
    lengths = torch.tensor([[2, 3]])
    layer = _layer(student)
    assert_gradcheck(lambda *args: layer(*args, lengths), *(x.requires_grad_() for x in case.args[:3]), what="output")


@worth(0.5, hint="What you create yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """Output and weights have the dtype of the inputs, float64 to float16, and are finite."""
    for dtype in FLOATS:
        case = _inputs(dtype=dtype)
        output, weights = _attend(_layer(student), *case.args[:3], torch.tensor([2, 4]))
        assert_finite(assert_dtype(output, dtype, what="output"), what="output")
        assert_dtype(weights, dtype, what="attention_weights")
        assert_close(weights.float().sum(-1), torch.ones(2, 3), atol=1e-2, what="attention_weights.sum(-1)")


@worth(0.5, hint="Look for /= and *=, and for functions whose name ends in an underscore.", examples=12)
@given(case=_cases(ones=False))
def arguments_are_left_alone(student, case):
    """Queries, keys, values and lengths are the same after the call, and a second call agrees with the first."""
    layer = _layer(student)
    before = [None if x is None else x.clone() for x in case.args]
    first, _ = _attend(layer, *case.args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)
    assert_equal(_attend(layer, *case.args)[0], first, what="output, second time")


@worth(0.5, hint="Give valid_lens a default of None.")
def lengths_may_be_left_out(student):
    """Without valid_lens every key takes part."""
    case = _inputs()
    layer = _layer(student)
    wanted, _ = _attend(layer, *case.args)
    assert_equal(_attend(layer, *case.args[:3])[0], wanted, what="output without valid_lens")


@worth(0.5, group="robust", hint="What does your masked_softmax make of a row of length 0?", examples=15)
@given(case=_cases(empty_rows=True, lengths=("per example", "per query")))
def no_key_means_zero(student, case):
    """A query without a valid key gets weights and output of exactly 0; the other rows still sum to 1."""
    output, weights = _attend(_layer(student), *case.args)
    empty = case.padded.all(-1)
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_zero(output, where=empty[..., None].expand_as(output), what="output")
    assert_close(weights.sum(-1), (~empty).float(), what="attention_weights.sum(-1)")


@worth(0.5, group="robust", hint="0 * NaN is NaN, also in the backward pass: keep it from arising.", examples=12)
@given(case=_cases(empty_rows=True, lengths=("per example", "per query")))
def no_key_means_no_gradient(student, case):
    """Queries without a valid key, and keys and values that no query may see, get a gradient of exactly 0."""
    empty, unseen = case.padded.all(-1), case.padded.all(1)
    idle = {"queries": empty, "keys": unseen, "values": unseen}
    inputs = [x.requires_grad_() for x in case.args[:3]]
    output, _ = _attend(_layer(student), *case.args)
    for (name, where), grad in zip(idle.items(), gradients(output, inputs, what="output"), strict=True):
        assert_finite(grad, what=f"the gradient of the {name}")
        assert_zero(grad, where=where[..., None].expand_as(grad), what=f"the gradient of the {name}")


@worth(0.5, group="robust", hint="The largest float16 is 65504: which numbers of yours are beyond it?")
def no_key_is_no_matter_of_dtype(student):
    """In all four dtypes a query without a valid key gets an output of 0, and the others a finite one."""
    for dtype in FLOATS:
        case = _inputs(dtype=dtype)
        output, _ = _attend(_layer(student), *case.args[:3], torch.tensor([0, 4]))
        assert_finite(assert_dtype(output, dtype, what="output"), what="output")
        assert_zero(output[0], what=f"output of an example of length 0 in {dtype}")


# The steps on the way, for a student who fails


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
    identity = torch.eye(case.shape[2]).repeat(case.shape[0], 1, 1)
    wanted = nn.functional.scaled_dot_product_attention(case.queries, case.keys, identity, attn_mask=~case.padded)
    _assert_weights(_layer(student), case, lambda weights: assert_close(weights, wanted, **LOOSE))


@step("weights that sum to 1 over the keys")
@given(case=_cases(ones=False, lengths=("none",)))
def weights_sum_to_one(student, case):
    _assert_weights(_layer(student), case, _assert_shared_out)


@step("the dot products of queries and keys")
def larger_products_weigh_more(student):
    case = _inputs(queries=5, keys=6)
    products = torch.einsum("bqd,bkd->bqk", case.queries, case.keys)
    _assert_weights(_layer(student), case, lambda weights: _assert_same_order(weights, products))


@step("the scaling of the scores before the softmax")
@given(case=_cases(ones=False, lengths=("none",)))
def weights_without_padding(student, case):
    _assert_right_weights(student, case)


@step("the masking of padded keys")
@given(case=_cases(ones=False, lengths=("per example", "per query")))
def weights_with_padding(student, case):
    _assert_right_weights(student, case)


@step("the weighted sum of the values")
@given(case=_cases(ones=False))
def values_are_averaged(student, case):
    wanted = nn.functional.scaled_dot_product_attention(*case.args[:3], attn_mask=~case.padded)
    assert_close(_layer(student)(*case.args), wanted, what="output", **LOOSE)


@step("what is stored in attention_weights")
@given(case=_cases(ones=False))
def weights_are_stored(student, case):
    output, weights = _attend(_layer(student), *case.args)
    assert_close(weights @ case.values, output, what="attention_weights @ values", **LOOSE)
