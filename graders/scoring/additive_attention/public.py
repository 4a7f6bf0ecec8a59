"""What anyone can check about additive attention: what must hold whatever its weights are."""

from __future__ import annotations

from itertools import product
from math import tanh

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
from headcheck.strategies import Attention, amplify, attention_inputs, normal, tensors

HINTS = (
    (
        "Project queries and keys into the same hidden space first, each with its own matrix. Then every query has to "
        "meet every key: how many axes has the tensor of all pairs?"
    ),
    (
        "Give the queries an axis for the keys, and the keys an axis for the queries, both of length 1. Broadcasting "
        "makes the sums, (batch, queries, keys, hidden)."
    ),
    (
        "Bend the sums with tanh, let w_v read one number off each, and drop its last axis, and only that. From there "
        "it is masked_softmax, dropout on the weights, and a product with the values."
    ),
)

LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32


def _layer(student, case, *, dropout=0.0):
    """A layer for these inputs in eval mode, with weights large enough that no two keys look alike."""
    layer = student.AdditiveAttention(case.keys.shape[-1], case.queries.shape[-1], 8, dropout)
    layer.load_state_dict(amplify(layer.state_dict(), seed=1))
    return layer.eval()


def _attend(layer, *args):
    """The output and the weights of one call."""
    batch, queries, keys = args[0].shape[0], args[0].shape[1], args[1].shape[1]
    output = assert_shape(layer(*args), (batch, queries, args[2].shape[-1]), what="output")
    return output, assert_shape(layer.attention_weights, (batch, queries, keys), what="attention_weights")


def _inputs(batch=2, queries=3, keys=4, *, dtype=torch.float32):
    """Inputs of these counts, without lengths; queries have 5 features, keys 6 and values 7."""
    shapes = (batch, queries, 5), (batch, keys, 6), (batch, keys, 7)
    return Attention(*(normal(shape, seed, dtype=dtype) for seed, shape in enumerate(shapes)), None)


@worth(1, gate=True, hint="Return the weights times the values: one row of value_size numbers for every query.")
def answers_every_query(student):
    """The output has one row for every query and depends on the inputs."""
    layer = student.AdditiveAttention(4, 4, 8, 0.0).eval()
    first, second = ([normal((2, n, size), seed + n) for n, size in ((3, 4), (6, 4), (6, 5))] for seed in (1, 2))
    output = assert_shape(layer(*first, None), (2, 3, 5), what="output")
    assert_not_copied(output, first[2][:, :3], what="output")
    assert_responds(lambda args: layer(*(x.clone() for x in args), None), first, second, what="output")


@worth(1, hint="Three nn.Linear with bias=False: which size goes in, which comes out, and are they three?")
def has_three_weight_matrices(student):
    """The parameters are the weights of W_k, W_q and w_v and nothing else, also when keys are as wide as queries."""
    for key_size, query_size in ((5, 4), (4, 4)):
        layer = student.AdditiveAttention(key_size, query_size, 3, 0.0)
        wanted = {"W_k.weight": (3, key_size), "W_q.weight": (3, query_size), "w_v.weight": (1, 3)}
        found = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
        assert_that(found == wanted, f"the parameters are {found}, wanted {wanted}")


@worth(2, hint="Add first, then the tanh, then w_v; nothing else comes between w_v and the softmax.", examples=15)
@given(num_hiddens=st.integers(1, 5), queries=tensors((2, 3, 1), scale=1.0), keys=tensors((2, 4, 1), scale=1.0))
def scores_follow_the_formula(student, num_hiddens, queries, keys):
    """With one feature and every weight 1, the score of a query and a key is num_hiddens * tanh(query + key)."""
    values = normal((2, 4, 5), seed=1)
    pairs = [[(q, k) for k in ks] for qs, ks in zip(queries.tolist(), keys.tolist(), strict=True) for q in qs]
    scores = torch.tensor([[num_hiddens * tanh(q + k) for (q,), (k,) in row] for row in pairs])
    wanted = scores.softmax(-1).reshape(2, 3, 4)
    layer = student.AdditiveAttention(1, 1, num_hiddens, 0.0).eval()
    layer.load_state_dict({name: torch.ones_like(weight) for name, weight in layer.state_dict().items()})
    output, weights = _attend(layer, queries, keys, values, None)
    assert_close(weights, wanted, what="attention_weights")
    assert_close(output, wanted @ values, what="output", **LOOSE)


@worth(0.5, hint="The softmax runs over the keys: that is the last axis of the scores.", examples=12)
@given(case=attention_inputs(ones=False))
def weights_are_a_distribution(student, case):
    """The weights of each query are not negative and sum to 1 over the keys."""
    _, weights = _attend(_layer(student, case), *case.args)
    assert_that(bool((weights >= 0).all()), "a weight is negative", attention_weights=weights)
    assert_close(weights.sum(-1), torch.ones(case.shape[:2]), what="attention_weights.sum(-1)")


@worth(0.5, hint="Give valid_lens to masked_softmax, as they came.", examples=12)
@given(case=attention_inputs(ones=False, lengths=("per example", "per query")))
def padded_keys_get_no_weight(student, case):
    """Keys past the valid length get weight exactly 0, and the others more."""
    _, weights = _attend(_layer(student, case), *case.args)
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_that(bool((weights > 0)[~case.padded].all()), "a valid key gets no weight", attention_weights=weights)


@worth(0.5, hint="What you store must be what you multiply the values by (dropout aside).", examples=12)
@given(case=attention_inputs(ones=False))
def output_averages_the_values(student, case):
    """The output is the average of the values under attention_weights."""
    output, weights = _attend(_layer(student, case), *case.args)
    assert_close(output, weights @ case.values, what="output", **LOOSE)


@worth(1, hint="Where would the query's part go in a softmax if nothing bent the sum of query and key?")
def queries_matter(student):
    """Another query gets other weights, and the other queries keep theirs."""
    case = _inputs()
    queries = case.queries.clone()
    queries[:, -1] += 1
    layer = _layer(student, case)
    _, before = _attend(layer, *case.args)
    _, after = _attend(layer, queries, *case.args[1:])
    assert_close(after[:, :-1], before[:, :-1], what="attention_weights of the queries that stayed", **LOOSE)
    moved = (after - before)[:, -1].abs().amax(-1)
    assert_that(bool((moved > 1e-3).all()), "attention_weights do not depend on the query", moved=moved)


@worth(0.5, hint="Which axis of the scores belongs to the keys? A reshape does not exchange axes.", examples=12)
@given(case=attention_inputs(ones=False, lengths=("none",)))
def order_of_pairs_does_not_matter(student, case):
    """Rotating the key-value pairs rotates the weights and leaves the output alone."""
    layer = _layer(student, case)
    output, weights = _attend(layer, *case.args)
    rotated, rotated_weights = _attend(layer, case.queries, case.keys.roll(1, 1), case.values.roll(1, 1), None)
    assert_close(rotated_weights, weights.roll(1, -1), what="attention_weights", **LOOSE)
    assert_close(rotated, output, what="output", **LOOSE)


@worth(0.5, hint="Which axis of the scores belongs to the queries? A reshape does not exchange axes.", examples=12)
@given(case=attention_inputs(ones=False, lengths=("none", "per example")))
def order_of_queries_is_kept(student, case):
    """Rotating the queries rotates the output, and the weights with it."""
    layer = _layer(student, case)
    output, weights = _attend(layer, *case.args)
    rotated, rotated_weights = _attend(layer, case.queries.roll(1, 1), *case.args[1:])
    assert_close(rotated_weights, weights.roll(1, 1), what="attention_weights", **LOOSE)
    assert_close(rotated, output.roll(1, 1), what="output", **LOOSE)


@worth(0.5, hint="Each example has its own lengths, and nothing is shared along the batch.", examples=10)
@given(case=attention_inputs(ones=False))
def examples_do_not_mix(student, case):
    """Each example alone gets what it gets in the batch."""
    layer = _layer(student, case)
    output, weights = _attend(layer, *case.args)
    for i in range(case.shape[0]):
        alone, its_weights = _attend(layer, *(None if x is None else x[i : i + 1] for x in case.args))
        assert_close(its_weights, weights[i : i + 1], what=f"attention_weights of example {i} alone", **LOOSE)
        assert_close(alone, output[i : i + 1], what=f"output of example {i} alone", **LOOSE)


@worth(0.5, hint="Padding must not reach a sum, a mean or a softmax.", examples=12)
@given(case=attention_inputs(ones=False))
def more_padding_changes_nothing(student, case):
    """Appending keys and values past the valid lengths changes no output."""
    batch, _, count = case.shape
    lengths = torch.full((batch,), count) if case.valid_lens is None else case.valid_lens
    keys, values = (nn.functional.pad(x, (0, 0, 0, 2), value=9.0) for x in (case.keys, case.values))
    layer = _layer(student, case)
    short, weights = _attend(layer, *case.args)
    long, long_weights = _attend(layer, case.queries, keys, values, lengths)
    assert_close(long_weights[..., :count], weights, what="attention_weights of the old keys", **LOOSE)
    assert_close(long, short, what="output", **LOOSE)


@worth(0.5, hint="Equal keys have equal scores: only the mask may tell them apart.", examples=12)
@given(case=attention_inputs(ones=False))
def equal_keys_share_evenly(student, case):
    """When all keys are the same, the valid ones get the same weight."""
    valid = (~case.padded).float()
    layer = _layer(student, case)
    _, weights = _attend(layer, case.queries, case.keys[:, :1].expand_as(case.keys), *case.args[2:])
    assert_close(weights, valid / valid.sum(-1, keepdim=True), what="attention_weights")


@worth(0.5, hint="w_v is the last thing that happens to a score.", examples=12)
@given(case=attention_inputs(ones=False, lengths=("none",), scale=0.5))
def negated_w_v_turns_the_ranking_round(student, case):
    """Negating w_v negates the scores: a key's weight before times its weight after is the same for all keys."""
    layer = _layer(student, case)
    state = layer.state_dict()
    assert_that("w_v.weight" in state, "there is no parameter w_v.weight: make w_v an nn.Linear")
    _, before = _attend(layer, *case.args)
    layer.load_state_dict(state | {"w_v.weight": -state["w_v.weight"]})
    _, after = _attend(layer, *case.args)
    both = before * after
    assert_close(
        both / both.mean(-1, keepdim=True), torch.ones(case.shape), rtol=1e-3, what="before * after / its mean"
    )


@worth(0.5, hint="squeeze() without an axis removes every axis of size 1, not only yours.")
def sizes_of_one_keep_their_axis(student):
    """One example, one query, one key or one hidden unit keep their axes."""
    for batch, queries, keys, num_hiddens in product((1, 2), (1, 3), (1, 4), (1, 8)):
        case = _inputs(batch, queries, keys)
        layer = student.AdditiveAttention(6, 5, num_hiddens, 0.0).eval()
        output, weights = _attend(layer, *case.args)
        assert_close(output, weights @ case.values, what=f"output of {batch} x {queries} x {keys}", **LOOSE)


@worth(0.5, hint="nn.Dropout knows whether the module is training; F.dropout has to be told.")
def dropout_rests_in_eval_mode(student):
    """In eval mode dropout does nothing: the output is the average under the weights, and repeats exactly."""
    case = _inputs()
    layer = _layer(student, case, dropout=0.5)
    output, weights = _attend(layer, *case.args)
    assert_close(output, weights @ case.values, what="output", **LOOSE)
    assert_equal(_attend(layer, *case.args)[0], output, what="output, second time")


@worth(1, hint="Dropout acts on the finished weights, with the probability that the constructor was given.")
def dropout_falls_on_the_weights(student):
    """In training, with dropout=0.75, a weight counts as 0 three times in four and otherwise four times as much."""
    case = _inputs(keys=64, queries=16)
    layer = _layer(student, case, dropout=0.75).train()
    output, weights = _attend(layer, *case.args[:2], torch.eye(64).expand(2, 64, 64), None)
    assert_close(output, torch.where(output == 0, 0, 4 * weights), what="output for values that are the identity")
    share = (output == 0).float().mean().item()
    assert_that(0.65 < share < 0.85, f"dropout=0.75 dropped {share:.0%} of the weights")
    dropped, again = output == 0, layer(*case.args[:2], torch.eye(64).expand(2, 64, 64), None) == 0
    assert_that(not torch.equal(dropped[0], dropped[1]), "all examples lose the same weights")
    assert_that(not torch.equal(dropped[:, 0], dropped[:, 1]), "all queries lose the same weights")
    assert_that(not torch.equal(dropped, again), "two calls lose the same weights")


@worth(0.5, hint="Drop weights, not outputs: a dropped key is missing from all columns.")
def dropout_takes_whole_keys(student):
    """In training, equal columns of the values give equal columns of the output."""
    case = _inputs(keys=8, queries=6)
    values = case.values[..., :1].expand_as(case.values)
    output, _ = _attend(_layer(student, case, dropout=0.5).train(), *case.args[:2], values, None)
    assert_close(output, output[..., :1].expand_as(output), what="output for equal columns")


@worth(0.5, hint="Store the weights before dropout, straight from the softmax.")
def stored_weights_are_undropped(student):
    """In training, attention_weights are the same as in eval mode."""
    case = _inputs(keys=8)
    layer = _layer(student, case, dropout=0.5)
    _, wanted = _attend(layer, *case.args)
    _, weights = _attend(layer.train(), *case.args)
    assert_close(weights, wanted, what="attention_weights")


@worth(0.5, hint="No detach(), .data or no_grad() in the forward pass: the stored weights are part of the graph too.")
def stored_weights_keep_their_gradient(student):
    """A loss on attention_weights reaches the queries and the keys."""
    case = _inputs()
    inputs = {"queries": case.queries.requires_grad_(), "keys": case.keys.requires_grad_()}
    _, weights = _attend(_layer(student, case), *case.args)
    found = gradients(weights[..., 0], list(inputs.values()), what="attention_weights")
    for name, grad in zip(inputs, found, strict=True):
        assert_that(bool(grad.any()), f"a loss on attention_weights does not reach the {name}")


@worth(0.5, hint="Everything between the inputs and the output has to be a torch operation that stays in the graph.")
def gradients_are_derivatives(student):
    """The gradients of the output with respect to queries, keys and values are its derivatives."""
    case = _inputs(1, 2, 3, dtype=torch.float64)
    lengths = torch.tensor([[2, 3]])
    layer = _layer(student, case).double()
    inputs = [x.requires_grad_() for x in case.args[:3]]
    assert_gradcheck(lambda *args: layer(*args, lengths), *inputs, what="output")


@worth(0.5, hint="Are W_k, W_q and w_v all used, each for its own input?")
def every_matrix_learns(student):
    """W_k, W_q and w_v all get a gradient."""
    case = Attention(normal((2, 3, 5), 1), normal((2, 4, 5), 2), normal((2, 4, 7), 3), None)
    layer = _layer(student, case)
    parameters = dict(layer.named_parameters())
    found = gradients(layer(*case.args), list(parameters.values()), what="output")
    for name, grad in zip(parameters, found, strict=True):
        assert_that(bool(grad.any()), f"{name} gets no gradient")


@worth(0.5, hint="What you create yourself takes dtype and device from the inputs.")
@given(dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]))
def dtype_is_kept(student, dtype):
    """Output and weights have the dtype of the inputs and are finite."""
    case = _inputs(dtype=dtype)
    output, weights = _attend(_layer(student, case).to(dtype), *case.args[:3], torch.tensor([2, 4]))
    assert_finite(assert_dtype(output, dtype, what="output"), what="output")
    assert_dtype(weights, dtype, what="attention_weights")
    assert_close(weights.float().sum(-1), torch.ones(2, 3), atol=1e-2, what="attention_weights.sum(-1)")


@worth(0.5, hint="Look for += and for functions whose name ends in an underscore.", examples=12)
@given(case=attention_inputs(ones=False))
def arguments_are_left_alone(student, case):
    """Queries, keys, values and lengths are the same after the call, and a second call agrees with the first."""
    layer = _layer(student, case)
    before = [None if x is None else x.clone() for x in case.args]
    first, _ = _attend(layer, *case.args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)
    assert_equal(_attend(layer, *case.args)[0], first, what="output, second time")


@worth(0.5, group="robust", hint="Give valid_lens a default of None.")
def lengths_may_be_left_out(student):
    """Without valid_lens every key takes part."""
    case = _inputs()
    layer = _layer(student, case)
    wanted, _ = _attend(layer, *case.args)
    assert_equal(_attend(layer, *case.args[:3])[0], wanted, what="output without valid_lens")


@worth(0.5, group="robust", hint="What does your masked_softmax make of a row of length 0?", examples=12)
@given(case=attention_inputs(empty_rows=True, lengths=("per example", "per query")))
def no_key_means_zero(student, case):
    """A query without a valid key gets weights and output of exactly 0; the other rows still sum to 1."""
    output, weights = _attend(_layer(student, case), *case.args)
    empty = case.padded.all(-1)
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_zero(output, where=empty[..., None].expand_as(output), what="output")
    assert_close(weights.sum(-1), (~empty).float(), what="attention_weights.sum(-1)")


@worth(0.5, group="robust", hint="0 * NaN is NaN, also in the backward pass: keep it from arising.", examples=12)
@given(case=attention_inputs(empty_rows=True, lengths=("per example", "per query")))
def no_key_means_no_gradient(student, case):
    """Queries without a valid key, and keys and values that no query may see, get a gradient of exactly 0."""
    empty, unseen = case.padded.all(-1), case.padded.all(1)
    idle = {"queries": empty, "keys": unseen, "values": unseen}
    inputs = [x.requires_grad_() for x in case.args[:3]]
    output, _ = _attend(_layer(student, case), *case.args)
    for (name, where), grad in zip(idle.items(), gradients(output, inputs, what="output"), strict=True):
        assert_finite(grad, what=f"the gradient of the {name}")
        assert_zero(grad, where=where[..., None].expand_as(grad), what=f"the gradient of the {name}")


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


def _scores(layer, case):
    """The score of every pair, one pair at a time."""
    W_q, W_k, w_v = (layer.state_dict()[f"{name}.weight"] for name in ("W_q", "W_k", "w_v"))
    pairs = [
        [[w_v @ torch.tanh(W_k @ key + W_q @ query) for key in keys] for query in queries]
        for queries, keys in zip(case.queries, case.keys, strict=True)
    ]
    return torch.tensor(pairs).reshape(case.shape)


def _assert_right_weights(student, case):
    layer = _layer(student, case)
    wanted = _scores(layer, case).masked_fill(case.padded, -torch.inf).softmax(-1)
    _assert_weights(layer, case, lambda weights: assert_close(weights, wanted, **LOOSE))


@step("the matrices W_q, W_k and w_v")
def matrices_are_there(student):
    layer = student.AdditiveAttention(5, 4, 3, 0.0)
    wanted = {"W_k.weight": (3, 5), "W_q.weight": (3, 4), "w_v.weight": (1, 3)}
    found = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    assert_that(found == wanted, f"the parameters are {found}, wanted {wanted}")


@step("weights that sum to 1 over the keys")
@given(case=attention_inputs(ones=False, lengths=("none",), query_size=7, key_size=7))
def weights_sum_to_one(student, case):
    _assert_weights(_layer(student, case), case, _assert_shared_out)


@step("the tanh of query plus key, scored by w_v")
def larger_scores_weigh_more(student):
    case = _inputs(queries=5, keys=6)
    layer = student.AdditiveAttention(6, 5, 8, 0.0).eval()
    layer.load_state_dict(amplify(layer.state_dict(), seed=2, scale=0.3))
    scores = _scores(layer, case)
    _assert_weights(layer, case, lambda weights: _assert_same_order(weights, scores))


@step("the size of the scores before the softmax")
@given(case=attention_inputs(ones=False, lengths=("none",)))
def weights_without_padding(student, case):
    _assert_right_weights(student, case)


@step("the masking of padded keys")
@given(case=attention_inputs(ones=False, lengths=("per example", "per query")))
def weights_with_padding(student, case):
    _assert_right_weights(student, case)


@step("the weighted sum of the values")
@given(case=attention_inputs(ones=False))
def values_are_averaged(student, case):
    layer = _layer(student, case)
    weights = _scores(layer, case).masked_fill(case.padded, -torch.inf).softmax(-1)
    assert_close(layer(*case.args), weights @ case.values, what="output", **LOOSE)


@step("what is stored in attention_weights")
@given(case=attention_inputs(ones=False))
def weights_are_stored(student, case):
    output, weights = _attend(_layer(student, case), *case.args)
    assert_close(weights @ case.values, output, what="attention_weights @ values", **LOOSE)
