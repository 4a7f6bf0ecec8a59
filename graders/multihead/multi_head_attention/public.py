"""What anyone can check about multi-head attention, without a solution at hand."""

from __future__ import annotations

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_finite,
    assert_not_copied,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import Attention, amplify, attention_inputs, normal, seeds, sizes

HINTS = (
    (
        "You have all the parts: four projections, transpose_qkv, DotProductAttention, transpose_output. In which "
        "order does a query meet them?"
    ),
    (
        "After transpose_qkv the batch has a row for each head of each example. The attention wants a length for each "
        "of these rows: in which order are they?"
    ),
    (
        "Rows go example by example, with all its heads together, so each example's lengths must appear num_heads "
        "times in a row: that is repeat_interleave along the batch. Merge the heads, then W_o."
    ),
)

DOUBLE = torch.float64
WIDTH = 4  # num_hiddens
SOFT, SHARP = 1.0, 4.0
HEADS = st.sampled_from([2, 1, 4])
MATRICES = {"W_q.weight": (WIDTH, 5), "W_k.weight": (WIDTH, 7), "W_v.weight": (WIDTH, 2), "W_o.weight": (WIDTH, WIDTH)}


def arguments():
    """Queries of width 5, keys of width 7, values of width 2, and no lengths."""
    return normal((2, 3, 5), 0), normal((2, 6, 7), 1), normal((2, 6, 2), 2), None


def build(student, args, heads, *, dropout=0.0, scale=SOFT, **options):
    """A layer for these arguments, in their dtype, with normal weights of this standard deviation."""
    queries, keys, values, _ = args
    layer = student.MultiHeadAttention(
        keys.shape[-1], queries.shape[-1], values.shape[-1], WIDTH, heads, dropout, **options
    )
    layer.to(queries.dtype)
    layer.load_state_dict(amplify(layer.state_dict(), seed=heads, scale=scale))
    return layer


def assert_answers(layer, args):
    """The output depends on the values, and on nothing that came before."""
    queries, keys, values, valid_lens = args
    assert_responds(lambda changed: layer(queries, keys, changed, valid_lens), values, values + 1, what="output")


def self_attention(shape, seed):
    """Arguments in which a sequence `(batch, positions, size)` attends to itself."""
    X = normal(shape, seed, dtype=DOUBLE)
    return X, X, X, None


@worth(
    1,
    gate=True,
    hint="Return `W_o` of the merged heads: one row of `num_hiddens` features for every query.",
    examples=8,
)
@given(shape=sizes(2, low=2), seed=seeds())
def every_query_gets_num_hiddens_features(student, shape, seed):
    """The output has a row of `num_hiddens` features for every query, and depends on the inputs."""
    X = normal((*shape, WIDTH), seed)
    layer = student.MultiHeadAttention(WIDTH, WIDTH, WIDTH, WIDTH, 2, 0.0)
    output = assert_shape(layer(X, X, X, None), tuple(X.shape), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(lambda x: layer(x, x, x, None), X, X + normal(X.shape, seed + 1), what="output")


@worth(
    2,
    hint="Follow one head by hand: its slice of the projections, its scores, its slice of the output.",
    examples=15,
)
@given(heads=HEADS, bias=st.booleans(), case=attention_inputs(query_size=WIDTH, dtype=DOUBLE))
def output_agrees_with_torch(student, heads, bias, case):
    """With the same weights the output is that of PyTorch's own layer, whether attention is soft or sharp."""
    for scale in (SOFT, SHARP):
        layer = build(student, case.args, heads, scale=scale, bias=bias)
        wanted, _ = _torch_answer(layer.state_dict(), case, heads, bias=bias)
        assert_close(layer(*case.args), wanted, what="output")


@worth(
    1,
    hint="Heads and lengths must become rows in one order: example by example, and inside an example head by head.",
    examples=15,
)
@given(heads=HEADS, case=attention_inputs(query_size=WIDTH, dtype=DOUBLE))
def every_head_keeps_its_weights(student, heads, case):
    """Row `b * num_heads + i` of `attention.attention_weights` holds the weights of head `i` in example `b`."""
    layer = build(student, case.args, heads)
    _, wanted = _torch_answer(layer.state_dict(), case, heads, bias=False)
    assert_answers(layer, case.args)
    weights = assert_close(layer.attention.attention_weights, wanted.flatten(0, 1), what="attention_weights")
    assert_zero(weights, where=case.padded.repeat_interleave(heads, dim=0), what="attention_weights")


@worth(
    1, hint="With one head nothing is left of this layer but its four matrices. What happens between them?", examples=15
)
@given(case=attention_inputs(query_size=WIDTH, key_size=WIDTH, value_size=WIDTH, dtype=DOUBLE))
def one_head_that_projects_nothing_is_dot_product_attention(student, case):
    """With one head and identity matrices the layer is plain scaled dot-product attention."""
    wanted = nn.functional.scaled_dot_product_attention(*case.args[:3], attn_mask=~case.padded)
    layer = build(student, case.args, heads=1)
    assert_answers(layer, case.args)
    layer.load_state_dict({name: torch.eye(WIDTH, dtype=DOUBLE) for name in layer.state_dict()})
    assert_close(layer(*case.args), wanted, what="output")


@worth(
    1,
    hint="Four linear layers with the sizes of the constructor, each used once, and no bias unless asked for.",
)
def four_matrices_are_learnt(student):
    """The parameters are the matrices of `W_q`, `W_k`, `W_v` and `W_o`, and each of them matters."""
    args = arguments()
    layer = build(student, args, heads=2)
    _assert_parameters(layer, MATRICES)
    state = layer.state_dict()

    def answer(state):
        layer.load_state_dict(state)
        return layer(*args)

    for name in MATRICES:
        assert_responds(answer, state, state | {name: state[name] + 1}, what=f"output for another {name}")


@worth(1, hint="Hand `bias` on to all four linear layers.")
def biases_come_when_asked_for(student):
    """With `bias=True` all four layers have a bias, and that of `W_o` is added to the output."""
    args = arguments()
    layer = build(student, args, heads=2, bias=True)
    _assert_parameters(layer, MATRICES | {f"W_{role}.bias": (WIDTH,) for role in "qkvo"})
    state = layer.state_dict()
    before = assert_shape(layer(*args), (2, 3, WIDTH), what="output")
    step = torch.arange(1.0, WIDTH + 1)
    layer.load_state_dict(state | {"W_o.bias": state["W_o.bias"] + step})
    assert_close(layer(*args), before.detach() + step, what="output", atol=1e-4)


@worth(
    1, hint="Nothing in this layer knows where a position stands. Which reshape of yours mixes positions?", examples=15
)
@given(heads=HEADS, shape=sizes(2), seed=seeds())
def permuting_positions_permutes_the_output(student, heads, shape, seed):
    """When a sequence attends to itself, permuting its positions permutes the output in the same way."""
    args = self_attention((*shape, 3), seed)
    layer = build(student, args, heads)
    assert_answers(layer, args)
    output = assert_shape(layer(*args), (*shape, WIDTH), what="output")
    order = torch.randperm(shape[1], generator=torch.Generator().manual_seed(seed))
    X = args[0][:, order]
    assert_close(layer(X, X, X, None), output[:, order].detach(), what="output of the permuted sequence")


@worth(
    1,
    hint="Which length does a row of the larger batch get? Write down the rows of two examples with two heads.",
    examples=15,
)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def examples_do_not_mix(student, heads, case):
    """Each example alone gives the same as in the batch."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    batch, queries, _ = case.shape
    together = assert_shape(layer(*case.args), (batch, queries, WIDTH), what="output")
    for b in range(batch):
        alone = [None if argument is None else argument[b : b + 1] for argument in case.args]
        assert_close(layer(*alone), together[b : b + 1].detach(), what=f"output of example {b} alone")


@worth(1, hint="Hand the lengths on to the attention, one for every row of the larger batch.", examples=15)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def longer_padding_changes_nothing(student, heads, case):
    """Keys and values appended beyond the valid length do not change the output."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    batch, queries, keys = case.shape
    valid_lens = torch.full((batch,), keys) if case.valid_lens is None else case.valid_lens
    longer = [nn.functional.pad(tensor, (0, 0, 0, 2), value=7.0) for tensor in (case.keys, case.values)]
    wanted = assert_shape(layer(*case.args), (batch, queries, WIDTH), what="output").detach()
    assert_close(layer(case.queries, *longer, valid_lens), wanted, what="output with more padding")


@worth(0.5, hint="Dropout belongs to the module `attention`, which knows the mode.", examples=8)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def evaluation_drops_nothing(student, heads, case):
    """In evaluation mode the output is that of a layer without dropout."""
    plain, dropping = (build(student, case.args, heads, dropout=dropout) for dropout in (0.0, 0.5))
    assert_answers(plain, case.args)
    wanted = assert_shape(plain(*case.args), (*case.shape[:2], WIDTH), what="output").detach()
    assert_close(dropping.eval()(*case.args), wanted, what="output in evaluation mode")


@worth(0.5, hint="Hand `dropout` on to the attention: it drops weights, not features.")
def training_drops_weights(student):
    """In training mode with a dropout of 0.5 each attention weight is either dropped or doubled."""
    batch, count = 3, 6
    queries, keys = normal((batch, 5, 2 * count), 0), normal((batch, count, 2 * count), 1)
    values = torch.eye(count).repeat(batch, 1, 2)  # the output is the dropped weights, twice side by side
    weights = nn.functional.scaled_dot_product_attention(queries, keys, values[..., :count])
    layer = student.MultiHeadAttention(2 * count, 2 * count, 2 * count, 2 * count, 1, 0.5)
    layer.load_state_dict({name: torch.eye(2 * count) for name in layer.state_dict()})
    output = assert_shape(layer.train()(queries, keys, values, None), (batch, 5, 2 * count), what="output")
    left, right = output.detach().chunk(2, dim=-1)
    assert_close(left, torch.where(left == 0, 0.0, 2 * weights), what="dropped weights")
    assert_close(right, left, what="the same weights for other features of the head")
    assert_that(0 < int((left == 0).sum()) < left.numel(), "nothing was dropped, or everything", output=left)


@worth(0.5, group="robust", hint="Give valid_lens a default in forward; the book asks for it every time.")
def lengths_may_be_left_out(student):
    """Without lengths every key is valid."""
    args = self_attention((2, 3, 5), 0)
    layer = build(student, args, heads=2)
    wanted = layer(*args[:3], None)
    assert_answers(layer, args)
    assert_close(layer(*args[:3]), wanted.detach(), what="output")


@worth(1, group="robust", hint="Check it first thing in the constructor; the book lets a reshape fail later.")
def heads_must_divide_the_width(student):
    """A `num_hiddens` that is no multiple of `num_heads` raises a ValueError in the constructor."""
    args = self_attention((2, 3, 5), 0)
    assert_answers(build(student, args, heads=2), args)
    for num_hiddens, num_heads in ((10, 3), (4, 8)):
        what = f"{num_hiddens} features for {num_heads} heads"
        assert_raises("ValueError", student.MultiHeadAttention, 5, 5, 5, num_hiddens, num_heads, 0.0, what=what)


@worth(
    1,
    group="robust",
    hint="A row without a valid key has weights 0; the book spreads them evenly. See the masked softmax.",
    examples=15,
)
@given(
    heads=HEADS,
    case=attention_inputs(dtype=DOUBLE, lengths=("per example", "per query"), empty_rows=True).filter(
        lambda case: not case.padded.all()
    ),
)
def empty_rows_give_zeros(student, heads, case):
    """A query without any valid key gets an output of 0, and no gradient is NaN."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    tensors = [tensor.clone().requires_grad_() for tensor in case.args[:3]]
    output = assert_shape(layer(*tensors, case.valid_lens), (*case.shape[:2], WIDTH), what="output")
    assert_zero(output, where=case.padded.all(-1)[..., None].expand_as(output), what="output")
    assert_finite(output, what="output")
    for name, grad in zip(("queries", "keys", "values"), gradients(output, tensors, what="output"), strict=True):
        assert_finite(grad, what=f"gradient of the {name}")


@worth(0.5, group="robust", hint="Make new tensors instead of changing those that were handed in.", examples=10)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def arguments_are_left_alone(student, heads, case):
    """Queries, keys, values and lengths are after the call what they were before it."""
    if case.valid_lens is not None:
        case.valid_lens.view(-1)[0] += 3  # more than there are keys counts as all of them
    before = [None if argument is None else argument.clone() for argument in case.args]
    assert_answers(build(student, case.args, heads), case.args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)


@worth(
    0.5,
    group="robust",
    hint="Let every new tensor take its dtype from the inputs, and use no number too large for float16.",
    examples=10,
)
@given(heads=HEADS, dtype=st.sampled_from([torch.float16, torch.bfloat16]), case=attention_inputs())
def half_precision_stays_half(student, heads, dtype, case):
    """In half precision the output is of the same dtype, and finite."""
    args = tuple(tensor.to(dtype) for tensor in case.args[:3])
    layer = build(student, (*args, case.valid_lens), heads)
    assert_answers(layer, (*args, case.valid_lens))
    assert_finite(assert_dtype(layer(*args, case.valid_lens), dtype, what="output"), what="output")


def _assert_parameters(layer, wanted):
    found = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    for name in wanted:
        assert_that(name in found, f"there is no parameter {name}")
        assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")
    extra = sorted(found.keys() - wanted.keys())
    assert_that(not extra, f"there are parameters that nobody asked for: {', '.join(extra)}")


def _torch_answer(state, case, heads, *, bias):
    """The output of `nn.MultiheadAttention` with these weights, and its attention weights, head by head."""
    sizes = {"kdim": case.keys.shape[-1], "vdim": case.values.shape[-1]}
    layer = nn.MultiheadAttention(WIDTH, heads, bias=bias, batch_first=True, dtype=DOUBLE, **sizes)
    weights = {f"{role}_proj_weight": state[f"W_{role}.weight"] for role in "qkv"}
    weights["out_proj.weight"] = state["W_o.weight"]
    if bias:
        weights["in_proj_bias"] = torch.cat([state[f"W_{role}.bias"] for role in "qkv"])
        weights["out_proj.bias"] = state["W_o.bias"]
    layer.load_state_dict(weights)
    mask = case.padded.repeat_interleave(heads, dim=0)
    with torch.no_grad():
        return layer(case.queries, case.keys, case.values, attn_mask=mask, average_attn_weights=False)


# The steps on the way, for a student who fails


LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32


def _assert_same_order(weights, wanted):
    """Whatever the scale of the scores is, no larger one has a smaller weight, and the weights do differ."""
    differences = weights[..., None] - weights[..., None, :]
    kept = differences * (wanted[..., None] - wanted[..., None, :]) >= -1e-9
    assert_that(bool(kept.all()), "a key with a larger score has a smaller weight", weights=weights)
    assert_that(bool((differences.amax((-1, -2)) > 1e-4).all()), "all keys weigh the same", weights=weights)


def _weights(student, case, heads):
    """The weights as they are, and as they should be: row `b * heads + i` is head `i` of example `b`."""
    layer = build(student, _single(case), heads, scale=0.5)
    layer(*_single(case))
    _, wanted = _torch_answer(layer.state_dict(), case, heads, bias=False)
    wanted = wanted.flatten(0, 1).float()
    return assert_shape(layer.attention.attention_weights, tuple(wanted.shape), what="attention_weights"), wanted


def _single(case):
    """The arguments in float32, so that a step does not ask for other dtypes as well."""
    valid_lens = None if case.valid_lens is None else case.valid_lens.clone()
    return *(x.float() for x in case.args[:3]), valid_lens


def _answers(student, case, heads, state=None):
    """What the layer answers, with some weights replaced, and what PyTorch's does."""
    layer = build(student, _single(case), heads)
    layer.load_state_dict(layer.state_dict() | (state or {}))
    wanted, _ = _torch_answer(layer.state_dict(), case, heads, bias=False)
    return assert_shape(layer(*_single(case)), tuple(wanted.shape), what="output"), wanted.float()


def _assert_merged(student, case, heads):
    """Without `W_o`, the output changes with the values as it should, whatever else is added to it."""
    found = [
        _answers(student, replace(case, values=values), heads, {"W_o.weight": torch.eye(WIDTH)})
        for values in (case.values, -case.values)
    ]
    got, wanted = (first - second for first, second in zip(*found, strict=True))
    assert_close(got, wanted, what="the change of the output when the values change sign", **LOOSE)


def _example(batch):
    """Inputs without lengths, of widths that all differ."""
    shapes = (batch, 5, WIDTH), (batch, 6, 7), (batch, 6, 2)
    return Attention(*(normal(shape, seed, dtype=DOUBLE) for seed, shape in enumerate(shapes)), None)


@step("the matrices W_q, W_k, W_v and W_o, and their biases")
def matrices_are_there(student):
    biases = {f"W_{role}.bias": (WIDTH,) for role in "qkvo"}
    for options, wanted in (({}, MATRICES), ({"bias": True}, MATRICES | biases)):
        _assert_parameters(build(student, arguments(), 2, **options), wanted)


@step("weights that sum to 1 over the keys")
def weights_sum_to_one(student):
    X = normal((2, 5, WIDTH), 1)
    layer = build(student, (X, X, X, None), 1)
    layer(X, X, X, None)
    weights = assert_shape(layer.attention.attention_weights, (2, 5, 5), what="attention_weights")
    assert_close(weights.sum(-1), torch.ones(2, 5), what="attention_weights.sum(-1)", **LOOSE)


@step("the projected queries, keys and values of one head")
def one_head_sees_the_projections(student):
    _assert_same_order(*_weights(student, _example(2), 1))
    value = normal((2, 1, 2), 3, dtype=DOUBLE)
    _assert_merged(student, replace(_example(2), values=value.repeat(1, 6, 1)), 1)  # whatever the weights are


@step("the split into heads, each with its own weights")
def one_example_is_split(student):
    for heads in (2, 4):
        _assert_same_order(*_weights(student, _example(1), heads))


@step("the scaling of the scores in every head")
def scores_are_scaled(student):
    for heads in (1, 2, 4):
        assert_close(*_weights(student, _example(1), heads), what="attention_weights", **LOOSE)


@step("the rows and the valid lengths of every head", examples=8)
@given(
    heads=st.sampled_from([2, 4]),
    case=attention_inputs(query_size=WIDTH, dtype=DOUBLE, ones=False, lengths=("per query", "per example")),
)
def rows_have_their_lengths(student, heads, case):
    assert_close(*_weights(student, case, heads), what="attention_weights", **LOOSE)


@step("the merge of the heads")
@given(heads=HEADS, case=attention_inputs(query_size=WIDTH, dtype=DOUBLE, ones=False))
def heads_are_merged(student, heads, case):
    _assert_merged(student, case, heads)


@step("the output: the merged heads through W_o")
@given(heads=HEADS, case=attention_inputs(query_size=WIDTH, dtype=DOUBLE, ones=False))
def heads_are_mixed(student, heads, case):
    assert_close(*_answers(student, case, heads), what="output", **LOOSE)
