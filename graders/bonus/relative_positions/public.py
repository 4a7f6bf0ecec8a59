"""What anyone can check about attention by relative positions."""

from __future__ import annotations

from math import sqrt

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import (
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
from headcheck.properties import worth
from headcheck.strategies import Attention, attention_inputs, normal, seeds

HINTS = (
    (
        "Make a table of offsets first, (queries, keys): the key's position minus the query's, from two aranges. Clip "
        "it, and shift it so that the smallest is row 0."
    ),
    (
        "Multiply the bracket out: the score is a dot product with the key plus one with the vector of the offset. "
        "Both are divided by the same root."
    ),
    (
        "You can look up a vector for every pair, or score each query with all rows of the table once and then gather "
        "the entries that the offsets name. Then masked_softmax."
    ),
)

LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32
CLIPS = st.sampled_from([1, 2, 0, 7])


def _cases(**options):
    """Inputs whose queries and keys are 4 or 9 wide."""
    return st.sampled_from([4, 9]).flatmap(lambda d: attention_inputs(query_size=d, key_size=d, **options))


def _inputs(queries=4, keys=5, *, batch=2, d=3, dtype=torch.float32):
    """Inputs of these counts, without lengths; the values have 6 features."""
    shapes = (batch, queries, d), (batch, keys, d), (batch, keys, 6)
    return Attention(*(normal(shape, seed, dtype=dtype) for seed, shape in enumerate(shapes)), None)


def _layer(student, offsets):
    """A layer with this table of offsets, `(2 * clip + 1, d)`."""
    count, d = offsets.shape
    layer = student.RelativeAttention(d, count // 2).to(offsets.dtype)
    layer.load_state_dict({"offsets.weight": offsets})
    return layer


def _table(case, clip, seed, *, scale=1.0):
    return normal((2 * clip + 1, case.queries.shape[-1]), seed, dtype=case.queries.dtype, scale=scale)


def _attend(layer, *args):
    """The output and the weights of one call, on copies of the arguments."""
    batch, queries, keys = args[0].shape[0], args[0].shape[1], args[1].shape[1]
    found = layer(*(None if arg is None else arg.clone() for arg in args))
    output = assert_shape(found, (batch, queries, args[2].shape[-1]), what="output")
    return output, assert_shape(layer.attention_weights, (batch, queries, keys), what="attention_weights")


@worth(1, gate=True, hint="Return the weights times the values: one row of value_size numbers for every query.")
def answers_every_query(student):
    """The output has one row for every query and depends on the inputs."""
    layer = student.RelativeAttention(4, 2)
    first, second = ([normal((2, n, 4), seed + n) for n in (3, 6, 6)] for seed in (1, 2))
    output = assert_shape(layer(*(x.clone() for x in first), None), (2, 3, 4), what="output")
    assert_not_copied(output, first[0], what="output")
    assert_responds(lambda args: layer(*(x.clone() for x in args), None), first, second, what="output")


@worth(1, hint="One embedding, called offsets: how many offsets are there from -clip to clip, 0 among them?")
def learns_one_vector_for_each_offset(student):
    """The only parameter is offsets.weight, (2 * clip + 1, d), and the output depends on it."""
    for d, clip in ((3, 2), (3, 0), (5, 4)):
        wanted = {"offsets.weight": (2 * clip + 1, d)}
        layer = student.RelativeAttention(d, clip)
        found = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
        assert_that(found == wanted, f"for d={d} and clip={clip} the parameters are {found}, wanted {wanted}")
    case = _inputs()
    assert_responds(
        lambda table: _attend(_layer(student, table), *case.args)[0],
        normal((5, 3), 1),
        normal((5, 3), 2),
        what="output",
    )


@worth(2, hint="Write the score of one query and one key down: which row of offsets is it, and what is it added to?")
@given(case=_cases(), clip=CLIPS, seed=seeds(), scale=st.sampled_from([1.0, 3.0]))
def agrees_with_the_formula(student, case, clip, seed, scale):
    """Weights and output are those of the scores q_i . (k_j + a[j - i]) / sqrt(d), computed pair by pair."""
    offsets = _table(case, clip, seed, scale=scale)
    _, count, d = case.queries.shape
    scores = torch.stack(
        [
            ((case.keys[:, j] + offsets[max(-clip, min(j - i, clip)) + clip]) * case.queries[:, i]).sum(-1) / sqrt(d)
            for i in range(count)
            for j in range(case.keys.shape[1])
        ],
        dim=-1,
    ).reshape(case.shape)
    wanted = scores.masked_fill(case.padded, -torch.inf).softmax(-1)
    output, weights = _attend(_layer(student, offsets), *case.args)
    assert_close(weights, wanted, what="attention_weights", **LOOSE)
    assert_close(output, wanted @ case.values, what="output", **LOOSE)


@worth(1, hint="Without its vectors this is scaled dot-product attention. What else did you change?", examples=20)
@given(case=_cases(), clip=CLIPS)
def zero_offsets_give_dot_product_attention(student, case, clip):
    """With a table of zeros the output is that of PyTorch's scaled_dot_product_attention."""
    wanted = nn.functional.scaled_dot_product_attention(*case.args[:3], attn_mask=~case.padded)
    output, _ = _attend(_layer(student, torch.zeros_like(_table(case, clip, 0))), *case.args)
    assert_close(output, wanted, what="output", **LOOSE)


@worth(1, hint="The offset is the key's position minus the query's, and row 0 belongs to -clip.")
def everyone_looks_ahead(student):
    """In the prompt's example the scores are [[0, 5, 5], [-5, 0, 5], [-5, -5, 0]]."""
    wanted = torch.tensor([[[0.0, 5.0, 5.0], [-5.0, 0.0, 5.0], [-5.0, -5.0, 0.0]]]).softmax(-1)
    layer = _layer(student, torch.tensor([[-5.0], [0.0], [5.0]]))
    _, weights = _attend(layer, torch.ones(1, 3, 1), torch.zeros(1, 3, 1), normal((1, 3, 2), 1), None)
    assert_close(weights, wanted, what="attention_weights")


@worth(1, hint="Clip the offset before you look up its vector: where do 3 and 300 end up?")
def far_is_far(student):
    """Equal keys that are `clip` or further ahead get equal weights, as do those behind; nearer ones differ."""
    clip, count = 2, 9
    case = _inputs(count, count)
    keys = case.keys[:, :1].expand_as(case.keys)
    _, weights = _attend(_layer(student, _table(case, clip, 1, scale=2.0)), case.queries, keys, case.values, None)
    for i in range(count):
        row = weights[:, i]
        for name, far in (("places ahead", range(i + clip, count)), ("places behind", range(i - clip + 1))):
            if far:
                what = f"the weights of query {i} for the keys that are {clip} or more {name}"
                assert_close(row[:, list(far)], row[:, far[0], None].expand(-1, len(far)), what=what)
    near = weights[:, 4, 2:7]
    assert_that(bool((near.diff(dim=-1).abs() > 1e-6).all()), "two offsets within the clip get equal weights", got=near)


@worth(1, hint="Does a key's vector depend on where it is, or on how far it is from the query?", examples=20)
@given(case=_cases(ones=False, lengths=("none",)), clip=CLIPS, seed=seeds(), ahead=st.integers(1, 4))
def place_in_the_sequence_does_not_matter(student, case, clip, seed, ahead):
    """Queries and keys that move along together, among others, keep their weights in proportion."""
    layer = _layer(student, _table(case, clip, seed))
    _, queries, keys = case.shape
    _, wanted = _attend(layer, *case.args)
    moved = (nn.functional.pad(x, (0, 0, ahead, 3), value=0.5) for x in case.args[:3])
    _, weights = _attend(layer, *moved, None)
    block = weights[:, ahead : ahead + queries, ahead : ahead + keys]
    share = block / block.sum(-1, keepdim=True)
    assert_close(share, wanted, what=f"attention_weights {ahead} further on, as shares", rtol=1e-3, atol=1e-3)


@worth(1, hint="The offsets must reach the scores: what does each query multiply besides the keys?")
def order_matters(student):
    """Turning the order of keys and values round changes the output, which it does not without offsets."""
    case = _inputs(d=4)
    backwards = case.queries, case.keys.flip(1), case.values.flip(1), None
    offsets = normal((5, 4), 3)
    output, _ = _attend(_layer(student, offsets), *case.args)
    turned, _ = _attend(_layer(student, offsets), *backwards)
    assert_that(bool(((output - turned).abs() > 1e-4).any()), "the output does not depend on the order of the keys")
    nothing = torch.zeros_like(offsets)
    output, _ = _attend(_layer(student, nothing), *case.args)
    turned, _ = _attend(_layer(student, nothing), *backwards)
    assert_close(turned, output, what="output with offsets of zero and the keys backwards", **LOOSE)


@worth(1, hint="Which offsets occur between 3 queries and 4 keys? Only their rows have something to learn.")
def gradient_reaches_the_offsets_that_occur(student):
    """Rows of offsets that no pair has, or only pairs with padded keys, get no gradient; all others get one."""
    case = _inputs(3, 4)
    layer = _layer(student, _table(case, 5, 4))
    offsets = next(layer.parameters())
    for valid, last in ((None, 3), (torch.tensor([2, 2]), 1)):
        output, _ = _attend(layer, *case.args[:3], valid)
        (grad,) = gradients(output * normal(output.shape, 5), [offsets], what="output")
        used = torch.zeros(11, dtype=torch.bool)
        used[5 - 2 : 5 + last + 1] = True
        assert_zero(grad, where=~used[:, None].expand_as(grad), what=f"the gradient of offsets, valid_lens={valid}")
        assert_that(
            bool(grad[used].any(-1).all()), f"an offset that occurs gets no gradient, valid_lens={valid}", gradient=grad
        )


@worth(0.5, hint="A vector that is the same for all keys adds the same number to all scores.", examples=15)
@given(case=_cases(), seed=seeds())
def with_clip_0_offsets_do_nothing(student, case, seed):
    """With clip=0 all keys share one vector, and the weights are those without it."""
    wanted = nn.functional.scaled_dot_product_attention(*case.args[:3], attn_mask=~case.padded)
    output, _ = _attend(_layer(student, _table(case, 0, seed, scale=2.0)), *case.args)
    assert_close(output, wanted, what="output", rtol=1e-3, atol=1e-3)


@worth(0.5, hint="The softmax runs over the keys, and padding gets nothing.", examples=15)
@given(case=_cases(), clip=CLIPS, seed=seeds())
def weights_are_a_distribution(student, case, clip, seed):
    """The weights of each query are not negative, are exactly 0 at padded keys, and sum to 1."""
    _, weights = _attend(_layer(student, _table(case, clip, seed)), *case.args)
    assert_that(bool((weights >= 0).all()), "a weight is negative", attention_weights=weights)
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_close(weights.sum(-1), torch.ones(case.shape[:2]), what="attention_weights.sum(-1)")


@worth(1, hint="Positions take part in the score only. What do you multiply by the weights?", examples=15)
@given(case=_cases(), clip=CLIPS, seed=seeds())
def output_averages_the_values(student, case, clip, seed):
    """The output is the average of the values, as they came, under attention_weights."""
    output, weights = _attend(_layer(student, _table(case, clip, seed)), *case.args)
    assert_close(output, weights @ case.values, what="output", **LOOSE)


@worth(0.5, hint="Padding must not reach a sum, a position or a softmax.", examples=15)
@given(case=_cases(), clip=CLIPS, seed=seeds())
def more_padding_changes_nothing(student, case, clip, seed):
    """Appending keys and values past the valid lengths changes no output."""
    batch, _, count = case.shape
    lengths = torch.full((batch,), count) if case.valid_lens is None else case.valid_lens
    keys, values = (nn.functional.pad(x, (0, 0, 0, 2), value=9.0) for x in (case.keys, case.values))
    layer = _layer(student, _table(case, clip, seed))
    short, weights = _attend(layer, *case.args)
    long, long_weights = _attend(layer, case.queries, keys, values, lengths)
    assert_close(long_weights[..., :count], weights, what="attention_weights of the old keys", **LOOSE)
    assert_close(long, short, what="output", **LOOSE)


@worth(0.5, hint="Each example has its own lengths, and nothing is shared along the batch.", examples=15)
@given(case=_cases(ones=False), clip=CLIPS, seed=seeds())
def examples_do_not_mix(student, case, clip, seed):
    """Each example alone gets what it gets in the batch."""
    layer = _layer(student, _table(case, clip, seed))
    output, _ = _attend(layer, *case.args)
    for i in range(case.shape[0]):
        alone, _ = _attend(layer, *(None if x is None else x[i : i + 1] for x in case.args))
        assert_close(alone, output[i : i + 1], what=f"output of example {i} alone", **LOOSE)


@worth(0.5, hint="Give valid_lens a default of None, and leave lengths of any integer dtype to masked_softmax.")
def lengths_come_in_every_form(student):
    """valid_lens may be left out, be int32, or be beyond the keys, which counts as all of them."""
    case = _inputs()
    layer = _layer(student, _table(case, 2, 6))
    wanted, _ = _attend(layer, *case.args)
    assert_equal(_attend(layer, *case.args[:3])[0], wanted, what="output without valid_lens")
    for valid_lens in (torch.tensor([5, 9], dtype=torch.int32), torch.full((2, 4), 7)):
        found, _ = _attend(layer, *case.args[:3], valid_lens)
        assert_close(found, wanted, what=f"output for valid_lens={valid_lens.tolist()}")


@worth(0.5, hint="Everything between the inputs and the output has to be a torch operation that stays in the graph.")
def gradients_are_derivatives(student):
    """The gradients of the output with respect to queries, keys and values are its derivatives."""
    case = _inputs(2, 3, batch=1, dtype=torch.float64)
    layer = _layer(student, _table(case, 1, 7))
    inputs = (x.requires_grad_() for x in case.args[:3])
    assert_gradcheck(lambda *args: layer(*args, torch.tensor([[2, 3]])), *inputs, what="output")


@worth(0.5, hint="No detach(), .data or no_grad() in the forward pass: the stored weights are part of the graph too.")
def stored_weights_keep_their_gradient(student):
    """A loss on attention_weights reaches the queries, the keys and the offsets."""
    case = _inputs()
    layer = _layer(student, _table(case, 2, 8))
    inputs = {"queries": case.queries.requires_grad_(), "keys": case.keys.requires_grad_()}
    inputs["offsets"] = next(layer.parameters())
    _, weights = _attend(layer, *case.args)
    found = gradients(weights[..., 0], list(inputs.values()), what="attention_weights")
    for name, grad in zip(inputs, found, strict=True):
        assert_that(bool(grad.any()), f"a loss on attention_weights does not reach the {name}")


@worth(0.5, hint="What you create yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """In a layer of their dtype, float64 to float16, output and weights have the dtype of the inputs and are finite."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        case = _inputs(dtype=dtype)
        output, weights = _attend(_layer(student, _table(case, 2, 9)), *case.args[:3], torch.tensor([2, 4]))
        assert_finite(assert_dtype(output, dtype, what="output"), what="output")
        assert_dtype(weights, dtype, what="attention_weights")
        assert_close(weights.float().sum(-1), torch.ones(2, 4), atol=1e-2, what="attention_weights.sum(-1)")


@worth(0.5, hint="torch.arange makes its numbers on the CPU, unless you name the device of the inputs.")
def computes_where_its_inputs_are(student):
    """When module and inputs move to another device, the output is there."""
    layer = _layer(student, normal((5, 3), 10))
    case = _inputs()
    assert_responds(lambda keys: _attend(layer, case.queries, keys, case.values, None)[0], case.keys, 2 * case.keys)
    output = assert_shape(layer.to("meta")(*(x.to("meta") for x in case.args[:3])), (2, 4, 6), what="output")
    assert_that(output.device.type == "meta", f"the output is on the device {output.device}, wanted that of the inputs")


@worth(0.5, group="robust", hint="Look for += and /=, and for functions whose name ends in an underscore.", examples=15)
@given(case=_cases(), clip=CLIPS, seed=seeds())
def arguments_are_left_alone(student, case, clip, seed):
    """Queries, keys, values and lengths are the same after the call, and a second call agrees with the first."""
    layer = _layer(student, _table(case, clip, seed))
    before = [None if x is None else x.clone() for x in case.args]
    first = layer(*case.args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)
    assert_equal(layer(*case.args), first, what="output, second time")


@worth(1, group="robust", hint="What does your masked_softmax make of a row of length 0?", examples=15)
@given(case=_cases(empty_rows=True, lengths=("per example", "per query")), clip=CLIPS, seed=seeds())
def no_key_means_zero(student, case, clip, seed):
    """A query without a valid key gets weights and output of exactly 0, and a gradient of 0; the others sum to 1."""
    layer = _layer(student, _table(case, clip, seed))
    empty = case.padded.all(-1)
    queries = case.queries.requires_grad_()
    output, weights = _attend(layer, queries, *case.args[1:])
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_zero(output, where=empty[..., None].expand_as(output), what="output")
    assert_close(weights.sum(-1), (~empty).float(), what="attention_weights.sum(-1)")
    (grad,) = gradients(output, [queries], what="output")
    assert_zero(grad, where=empty[..., None].expand_as(grad), what="the gradient of the queries")
    assert_finite(grad, what="the gradient of the queries")
