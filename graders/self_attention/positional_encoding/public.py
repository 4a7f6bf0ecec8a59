"""What anyone can check about a positional encoding."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_not_copied,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import normal, seeds, sizes

HINTS = (
    (
        "Make the table of angles first: a row for each position, a column for each pair of features. Both numbers of "
        "a pair use the same angle."
    ),
    (
        "The exponents run over the even numbers below num_hiddens, divided by num_hiddens. Dividing a column of "
        "positions by a row of powers gives the whole table."
    ),
    (
        "Sines go into the even columns and cosines into the odd ones, which stack and flatten, or steps of two in a "
        "slice, can do. With an odd width one cosine is left over. Keep it as a buffer."
    ),
)

DOUBLE = torch.float64
MAX_LEN = 60
CLOSE = {"rtol": 0.0, "atol": 1e-4}  # angles in float32 have this many digits
WIDTHS = st.sampled_from([8, 2, 16, 6])


def table(num_hiddens, count=MAX_LEN):
    """The encodings of the first positions, (count, num_hiddens), in float64."""
    column = torch.arange(num_hiddens, dtype=DOUBLE)
    angles = torch.arange(count, dtype=DOUBLE)[:, None] / 10000 ** ((column - column % 2) / num_hiddens)
    return torch.where(column % 2 == 0, angles.sin(), angles.cos())


def build(student, num_hiddens, *, dropout=0.0):
    return student.PositionalEncoding(num_hiddens, dropout, MAX_LEN).eval()


def added(layer, num_hiddens, count):
    """What the layer adds to zeros at the first positions, (count, num_hiddens)."""
    zeros = torch.zeros(1, count, num_hiddens)
    assert_responds(lambda X: layer(X.clone()), zeros, zeros + 1, what="output")
    return assert_shape(layer(zeros.clone()), tuple(zeros.shape), what="output")[0].float()


def encodings(student, num_hiddens):
    """What is added at every position, (positions, num_hiddens), in float64."""
    return added(build(student, num_hiddens), num_hiddens, MAX_LEN).double()


@worth(1, gate=True, hint="Return X plus the encodings of its positions: a tensor of the shape of X.", examples=8)
@given(shape=sizes(2, low=2), seed=seeds())
def something_is_added_to_every_token(student, shape, seed):
    """The output has the shape of the input, depends on it, and is not the input itself."""
    positions, half = shape
    X = normal((1, positions, 2 * half), seed)
    layer = student.PositionalEncoding(2 * half, 0.0)
    output = assert_shape(layer(X.clone()), tuple(X.shape), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(lambda x: layer(x.clone()), X, X + 1, what="output")


@worth(1, hint="The sine of 0 is 0 and its cosine 1. In which columns do the cosines stand?", examples=4)
@given(num_hiddens=WIDTHS)
def position_zero_is_zeros_and_ones(student, num_hiddens):
    """At position 0 every even column is 0 and every odd one is 1."""
    wanted = torch.tensor([0.0, 1.0]).repeat(num_hiddens // 2).double()
    assert_close(encodings(student, num_hiddens)[0], wanted, what="encoding of position 0", **CLOSE)


@worth(1, hint="For the first pair the exponent is 0: what is left of the angle of position i?", examples=4)
@given(num_hiddens=WIDTHS)
def first_hand_turns_by_one_radian(student, num_hiddens):
    """In the first pair of columns position i has the sine and the cosine of i."""
    i = torch.arange(MAX_LEN, dtype=DOUBLE)
    wanted = torch.stack([i.sin(), i.cos()], dim=-1)
    assert_close(encodings(student, num_hiddens)[:, :2], wanted, what="encodings[:, :2]", **CLOSE)


@worth(2, hint="Write the angle of position 1 in every column down, and take its sine or its cosine.", examples=4)
@given(num_hiddens=WIDTHS)
def every_hand_has_its_speed(student, num_hiddens):
    """Every column of the positions 0, 1, 7 and 49 has the value of the formula."""
    places = [0, 1, 7, 49]
    wanted = table(num_hiddens)[places]
    assert_close(encodings(student, num_hiddens)[places], wanted, what="encodings[[0, 1, 7, 49]]", **CLOSE)


@worth(1, hint="A hand turns by the same angle from any position to the next one.", examples=6)
@given(num_hiddens=WIDTHS, step=st.integers(1, 9))
def steps_are_rotations(student, num_hiddens, step):
    """A step forward rotates each pair by the same angle wherever the step begins."""
    angles = step * 10000 ** (-torch.arange(0, num_hiddens, 2, dtype=DOUBLE) / num_hiddens)
    found = encodings(student, num_hiddens)
    sines, cosines = found[:-step].unflatten(-1, (-1, 2)).unbind(-1)
    rotated = [sines * angles.cos() + cosines * angles.sin(), cosines * angles.cos() - sines * angles.sin()]
    wanted = torch.stack(rotated, dim=-1).flatten(1)
    assert_close(found[step:], wanted, what=f"encodings[{step}:]", **CLOSE)


@worth(1, hint="A sine and a cosine of the same angle have squares that sum to 1. Do your pairs share an angle?")
@given(num_hiddens=WIDTHS)
def products_tell_the_distance(student, num_hiddens):
    """The dot product of two encodings depends on their distance only, and that with itself is num_hiddens / 2."""
    found = encodings(student, num_hiddens)
    products = found @ found.T
    half = torch.full((MAX_LEN,), num_hiddens / 2, dtype=DOUBLE)
    assert_close(products.diagonal(), half, what="dot product of an encoding with itself", rtol=0.0, atol=1e-3)
    for distance in (1, 5, 40):
        alike = products.diagonal(distance)
        what = f"dot products at distance {distance}"
        assert_close(alike, alike[:1].expand_as(alike), what=what, rtol=0.0, atol=1e-3)
    assert_that(bool((products[0, 1:] < products[0, 0]).all()), "another position is as near to position 0 as itself")


@worth(1.5, hint="Add the encodings to X as it is: no factor, no product, nothing in between.", examples=20)
@given(shape=sizes(3), num_hiddens=WIDTHS, seed=seeds())
def encodings_are_added(student, shape, num_hiddens, seed):
    """The output minus the input is the same whatever the input: the encodings."""
    batch, positions, _ = shape
    X = normal((batch, positions, num_hiddens), seed, scale=3.0)
    layer = build(student, num_hiddens)
    wanted = X + added(layer, num_hiddens, positions)
    assert_close(layer(X.clone()), wanted, what="output", **CLOSE)


@worth(1, hint="Positions are the second axis of X; the encodings are shared along the first.", examples=20)
@given(shape=sizes(2, low=2), num_hiddens=WIDTHS, seed=seeds())
def examples_share_their_encodings(student, shape, num_hiddens, seed):
    """Each example alone gets what it gets in the batch, and equal examples get equal outputs."""
    batch, positions = shape
    X = normal((batch, positions, num_hiddens), seed)
    X[1] = X[0]
    layer = build(student, num_hiddens)
    output = assert_shape(layer(X.clone()), tuple(X.shape), what="output")
    assert_that(not torch.equal(output[:, 0] - X[:, 0], output[:, 1] - X[:, 1]), "all positions get the same encoding")
    assert_equal(output[1], output[0], what="output of a second, equal example")
    for b in range(batch):
        assert_close(layer(X[b : b + 1].clone()), output[b : b + 1], what=f"output of example {b} alone")


@worth(0.5, hint="Does an encoding of yours depend on how many positions there are, or on where the last one is?")
@given(cut=st.integers(1, MAX_LEN - 1), num_hiddens=WIDTHS)
def beginnings_do_not_depend_on_the_rest(student, cut, num_hiddens):
    """A sequence that is cut short gets the same encodings as before, up to one of max_len positions."""
    X = normal((2, MAX_LEN, num_hiddens), cut)
    layer = build(student, num_hiddens)
    output = assert_shape(layer(X.clone()), tuple(X.shape), what="output")
    assert_that(not torch.equal(output[:, 0] - X[:, 0], output[:, 1] - X[:, 1]), "all positions get the same encoding")
    assert_close(layer(X[:, :cut].clone()), output[:, :cut], what=f"output of the first {cut} positions")


@worth(1, hint="Keep the whole table in self.P, with an axis of 1 for the batch in front.", examples=6)
@given(num_hiddens=WIDTHS, max_len=st.sampled_from([MAX_LEN, 1, 7]))
def table_is_kept(student, num_hiddens, max_len):
    """The attribute P has the shape (1, max_len, num_hiddens) and holds, in float32, what is added."""
    layer = student.PositionalEncoding(num_hiddens, 0.0, max_len)
    wanted = added(layer, num_hiddens, max_len)[None]
    assert_close(layer.P, wanted, what="P", **CLOSE)
    assert_shape(student.PositionalEncoding(num_hiddens, 0.0).P, (1, 1000, num_hiddens), what="P by default")


@worth(0.5, hint="Only what an optimizer may change is an nn.Parameter.", examples=4)
@given(num_hiddens=WIDTHS)
def nothing_is_learnt(student, num_hiddens):
    """The module has no parameters: another one adds the same."""
    layer = build(student, num_hiddens)
    found = [name for name, _ in layer.named_parameters()]
    assert_that(not found, f"the module has the parameters {', '.join(found)}, wanted none")
    again = added(build(student, num_hiddens), num_hiddens, MAX_LEN)
    assert_equal(again, added(layer, num_hiddens, MAX_LEN), what="encodings of another module")


@worth(0.5, hint="`X = X + ...` makes a new tensor, `X += ...` writes into the old one.", examples=10)
@given(shape=sizes(2), num_hiddens=WIDTHS, seed=seeds())
def input_is_left_alone(student, shape, num_hiddens, seed):
    """The input is the same after the call as before, and the output is the sum."""
    before = normal((*shape, num_hiddens), seed)
    X = before.clone()
    layer = build(student, num_hiddens)
    wanted = before + added(layer, num_hiddens, shape[1])
    output = layer(X)
    assert_unchanged(X, before, what="X")
    assert_close(output, wanted, what="output", **CLOSE)


@worth(0.5, hint="nn.Dropout knows whether the module is training; F.dropout has to be told.", examples=6)
@given(num_hiddens=WIDTHS)
def evaluation_drops_nothing(student, num_hiddens):
    """In evaluation mode a dropout of 0.75 changes nothing."""
    X = normal((2, 9, num_hiddens), 1)
    wanted = X + added(build(student, num_hiddens), num_hiddens, 9)
    assert_close(build(student, num_hiddens, dropout=0.75)(X.clone()), wanted, what="output", **CLOSE)


@worth(1, hint="First the sum, then nn.Dropout of the sum, at the rate that the constructor was given.")
def dropout_falls_on_the_sum(student):
    """In training, with dropout=0.75, three numbers in four of the sum are 0 and the others four times as large."""
    X = normal((6, 20, 16), 2)
    summed = X + added(build(student, 16), 16, 20)
    layer = build(student, 16, dropout=0.75).train()
    output = assert_shape(layer(X.clone()), tuple(X.shape), what="output")
    assert_close(output, torch.where(output == 0, 0.0, 4 * summed), what="output in training", rtol=0.0, atol=1e-3)
    dropped = output == 0
    share = dropped.float().mean().item()
    assert_that(0.7 < share < 0.8, f"dropout=0.75 dropped {share:.0%} of the numbers")
    for axis, name in enumerate(("all examples", "all positions", "all features")):
        first, second = dropped.movedim(axis, 0)[:2]
        assert_that(not torch.equal(first, second), f"the same numbers are dropped for {name}")
    assert_that(not torch.equal(dropped, layer(X.clone()) == 0), "the same numbers are dropped in every call")


@worth(0.5, hint="The sum has to stay a torch operation on X itself: no detach, no .data.", examples=6)
@given(num_hiddens=WIDTHS, seed=seeds())
def gradient_passes_unchanged(student, num_hiddens, seed):
    """The gradient of the output with respect to the input is 1 everywhere."""
    X = normal((2, 5, num_hiddens), seed).requires_grad_()
    layer = build(student, num_hiddens)
    output = assert_close(layer(X), X + added(layer, num_hiddens, 5), what="output", **CLOSE)
    (gradient,) = gradients(output, [X], what="output")
    assert_equal(gradient, torch.ones_like(X), what="gradient of X")


@worth(0.5, hint="Take the device of whatever you make in forward from X.")
def computes_where_its_input_is(student):
    """When module and input move to another device, the output is there."""
    layer = build(student, 8)
    assert_responds(lambda x: layer(x.clone()), normal((2, 5, 8), 1), normal((2, 5, 8), 2), what="output")
    output = assert_shape(layer.to("meta")(torch.zeros(2, 5, 8, device="meta")), (2, 5, 8), what="output")
    assert_that(output.device.type == "meta", f"the output is on the device {output.device}, wanted that of the input")


@worth(1, group="robust", hint="self.register_buffer makes a tensor part of the module; the book's P is not.")
@given(num_hiddens=WIDTHS)
def table_is_a_buffer(student, num_hiddens):
    """P is in the state dict, with what is added, and is converted with the module."""
    layer = build(student, num_hiddens)
    wanted = added(layer, num_hiddens, MAX_LEN)[None]
    state = layer.state_dict()
    assert_that(list(state) == ["P"], f"the state dict has the names {sorted(state)}, wanted P alone")
    assert_close(state["P"], wanted, what="state_dict()['P']", **CLOSE)
    assert_close(layer.double().P, wanted.double(), what="P after .double()", **CLOSE)


@worth(0.5, group="robust", hint="float32 plus float16 is float32: convert the encodings to the dtype of X first.")
@given(num_hiddens=WIDTHS, dtype=st.sampled_from([torch.float16, torch.bfloat16, DOUBLE, torch.float32]))
def dtype_is_kept(student, num_hiddens, dtype):
    """The output has the dtype of the input, whatever that of the module, and the right values up to rounding."""
    X = normal((2, 5, num_hiddens), 3).to(dtype)
    wanted = X.double() + encodings(student, num_hiddens)[:5]
    for layer in (
        build(student, num_hiddens),
        build(student, num_hiddens).half(),
        build(student, num_hiddens).double(),
    ):
        output = assert_dtype(layer(X.clone()), dtype, what="output")
        assert_close(output, wanted, what="output", rtol=2e-2, atol=2e-2, dtype=False)


@worth(1, group="robust", hint="Cut the table from `offset` on instead of from 0 on.", examples=20)
@given(shape=sizes(3), num_hiddens=WIDTHS, seed=seeds())
def offset_goes_on_where_a_part_ended(student, shape, num_hiddens, seed):
    """The rest of a sequence, with its place as the offset, gets what it gets in the whole sequence."""
    batch, start, rest = shape
    X = normal((batch, start + rest, num_hiddens), seed)
    layer = build(student, num_hiddens)
    wanted = X + added(layer, num_hiddens, start + rest)
    output = assert_close(layer(X.clone()), wanted, what="output", **CLOSE)
    assert_close(layer(X[:, start:].clone(), start), output[:, start:], what=f"output with the offset {start}")
    for i in range(start + rest):
        token = X[:, i : i + 1].clone()
        assert_close(layer(token, offset=i), output[:, i : i + 1], what=f"output of token {i} alone")


@worth(0.5, group="robust", hint="Compare offset + X.shape[1] with max_len. A slice beyond the end does not complain.")
@given(max_len=st.sampled_from([5, 1, 4]), offset=st.integers(0, 6))
def too_long_is_refused(student, max_len, offset):
    """Positions at or beyond max_len raise a ValueError; the last position before works."""
    layer = student.PositionalEncoding(4, 0.0, max_len)
    X = normal((2, max_len, 4), offset)
    encoded = added(layer, 4, max_len)
    assert_close(layer(X.clone()), X + encoded, what="output for max_len positions", **CLOSE)
    assert_raises("ValueError", layer, normal((2, max_len + 1, 4), 1), what=f"max_len + 1 = {max_len + 1} positions")
    last = normal((2, 1, 4), 2)
    assert_close(
        layer(last.clone(), max_len - 1), last + encoded[-1], what="output for the last position alone", **CLOSE
    )
    beyond = max_len + offset
    assert_raises("ValueError", layer, last, beyond, what=f"position {beyond} with max_len={max_len}")


@worth(0.5, group="robust", hint="An odd width has one sine more than it has cosines; the book expects as many.")
@given(num_hiddens=st.sampled_from([5, 1, 3, 7]))
def width_may_be_odd(student, num_hiddens):
    """With an odd width the last column is a sine."""
    X = normal((2, 9, num_hiddens), 4)
    wanted = X + table(num_hiddens, 9).float()
    assert_close(build(student, num_hiddens)(X.clone()), wanted, what="output", **CLOSE)


# The steps on the way, for a student who fails


def _assert_rows(student, num_hiddens, rows, *, count=MAX_LEN):
    """The rows of the table, read off what is added to zeros, or else off `P`."""
    layer = student.PositionalEncoding(num_hiddens, 0.0, count).eval()
    wanted = table(num_hiddens, count)[rows].float()
    try:
        assert_close(layer(torch.zeros(1, count, num_hiddens))[0, rows], wanted, what="what is added", **CLOSE)
    except Mismatch:
        assert_close(layer.P.reshape(-1, num_hiddens)[rows].float(), wanted, what="P", **CLOSE)


@step("position 0, a zero and a one in every pair")
@given(num_hiddens=WIDTHS)
def first_position_is_known(student, num_hiddens):
    _assert_rows(student, num_hiddens, slice(1))


@step("position 1, the speed of every pair")
@given(num_hiddens=WIDTHS)
def speeds_are_known(student, num_hiddens):
    _assert_rows(student, num_hiddens, slice(2))


@step("the whole table of positions")
def table_is_known(student):
    _assert_rows(student, 8, slice(600), count=600)


@step("the sum of tokens and positions")
@given(num_hiddens=WIDTHS, shape=sizes(2, low=2))
def positions_are_added(student, num_hiddens, shape):
    X = normal((*shape, num_hiddens), 1)
    wanted = X + table(num_hiddens, shape[1]).float()
    assert_close(build(student, num_hiddens)(X.clone()), wanted, what="output", **CLOSE)


@step("the offset")
@given(num_hiddens=WIDTHS, offset=st.integers(1, 9))
def offset_is_kept(student, num_hiddens, offset):
    X = normal((2, 5, num_hiddens), 1)
    wanted = X + table(num_hiddens)[offset : offset + 5].float()
    assert_close(build(student, num_hiddens)(X.clone(), offset), wanted, what="output", **CLOSE)
