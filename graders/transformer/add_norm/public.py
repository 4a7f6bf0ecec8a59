"""What anyone can check about the residual connection and its normalisation, without a solution at hand."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import step, worth
from headcheck.strategies import amplify, normal, seeds, sizes

HINTS = (
    "What went in must survive, what came out may lose something. Which of X and Y goes through dropout?",
    "The norm sees the sum, not its parts. So what is the last operation of the forward pass?",
    (
        "nn.LayerNorm normalises over the features of each position when it is given their number. A list with more "
        "than one size would normalise over positions too, which is to be refused."
    ),
)

DOUBLE = torch.float64
LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the layer norm adds 1e-5 to every variance
SIZE = 7  # features: no count of examples or positions is as large


def build(student, size=SIZE, *, dropout=0.0):
    """A new layer in double precision and evaluation mode."""
    return student.AddNorm(size, dropout).double().eval()


def sequences(shape, seed, *, size=SIZE, dtype=DOUBLE, scale=2.0):
    """`X` and `Y`, both `(batch, positions, size)`."""
    return tuple(normal((*shape, size), seed + i, dtype=dtype, scale=scale) for i in range(2))


def normalised(Z):
    """Mean 0 and variance 1 over the last axis."""
    centred = Z - Z.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def assert_answers(layer, X, Y):
    """The output depends on its inputs, and on nothing that came before."""
    assert_responds(lambda pair: layer(*(Z.clone() for Z in pair)), (X, Y), (Y.roll(1, -1), 3 * X), what="output")


@worth(1, gate=True, examples=10, hint="Return the normalised sum; it has the shape of X, and of Y.")
@given(shape=sizes(2, low=2), seed=seeds())
def output_has_the_shape_of_both(student, shape, seed):
    """The output has the shape of `X` and `Y`, depends on them, and is neither of them."""
    layer, (X, Y) = build(student), sequences(shape, seed)
    output = assert_shape(layer(X.clone(), Y.clone()), (*shape, SIZE), what="output")
    for given_tensor in (X, Y):
        assert_not_copied(output, given_tensor, what="output")
    assert_answers(layer, X, Y)


@worth(1, hint="Sum, mean, variance: take the three numbers of the example and print each step.")
def example_comes_out(student):
    """The example of the exercise comes out, with the number of features given as 3 and as [3]."""
    X, Y = torch.tensor([[[2.0, 0.0, 1.0]]]), torch.tensor([[[4.0, 0.0, 2.0]]])
    for size in (3, [3]):
        layer = student.AddNorm(size, 0.0).eval()
        assert_close(
            layer(X.clone(), Y.clone()), torch.tensor([[[1.5**0.5, -(1.5**0.5), 0.0]]]), what="output", **LOOSE
        )


@worth(1, hint="All there is to learn is the weight and the bias of an `nn.LayerNorm` of this many features.")
def weight_and_bias_of_ln_are_learnt(student):
    """The parameters are `ln.weight` and `ln.bias`; they stretch and shift each feature of the output."""
    layer, (X, Y) = build(student), sequences((2, 3), 1)
    found = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    wanted = {"ln.weight": (SIZE,), "ln.bias": (SIZE,)}
    assert_that(found == wanted, f"the parameters are {found or 'none'}, wanted {wanted}")
    before = assert_shape(layer(X.clone(), Y.clone()), (2, 3, SIZE), what="output").detach()
    assert_answers(layer, X, Y)
    state = amplify(layer.state_dict(), 1)
    layer.load_state_dict(state)
    changed = before * state["ln.weight"] + state["ln.bias"]
    assert_close(layer(X, Y), changed, what="output with other weights and biases")


@worth(1, examples=15, hint="Normalise last, over the features of each position; the variance is a mean of squares.")
@given(shape=sizes(2), size=st.integers(2, 6), seed=seeds())
def every_position_has_mean_0_and_variance_1(student, shape, size, seed):
    """In a new layer the features of every position have mean 0 and variance 1, and they are ordered as in the sum."""
    X, Y = sequences(shape, seed, size=size, scale=20.0)
    order = (X + Y).argsort(-1)
    output = assert_shape(build(student, size)(X, Y), (*shape, size), what="output").detach()
    assert_close(output.mean(-1), torch.zeros(shape, dtype=DOUBLE), what="mean of the output", atol=1e-6)
    variance = output.square().mean(-1)
    assert_close(variance, torch.ones(shape, dtype=DOUBLE), what="variance of the output", rtol=0.0, atol=0.01)
    assert_that(torch.equal(output.argsort(-1), order), "the largest feature of the sum is not the largest afterwards")


@worth(1, examples=10, hint="Neither is privileged in a sum: did you normalise one of them on its own, or forget one?")
@given(shape=sizes(2), seed=seeds())
def both_count_alike(student, shape, seed):
    """Without dropout it makes no difference which of the two is `X`; where they cancel out, the bias is left."""
    layer, (X, Y) = build(student), sequences(shape, seed)
    layer.load_state_dict(amplify(layer.state_dict(), seed))
    output = assert_shape(layer(X.clone(), Y.clone()), (*shape, SIZE), what="output").detach()
    assert_answers(layer, X, Y)
    assert_close(layer(Y.clone(), X.clone()), output, what="output for Y and X")
    wanted = layer.state_dict()["ln.bias"].expand_as(X)
    assert_close(layer(X.clone(), -X), wanted, what="output for X and -X")


@worth(1, examples=10, hint="What part of the sum can a normalisation still see after a shift, or a stretch?")
@given(shape=sizes(2), factor=st.sampled_from([3.0, 0.5, 20.0]), shift=st.sampled_from([0.0, -4.0, 50.0]), seed=seeds())
def shift_and_stretch_vanish(student, shape, factor, shift, seed):
    """Stretching `X` and `Y` by one factor, and shifting all features of `X` alike, changes nothing."""
    layer, (X, Y) = build(student), sequences(shape, seed, scale=10.0)
    output = assert_shape(layer(X.clone(), Y.clone()), (*shape, SIZE), what="output").detach()
    assert_answers(layer, X, Y)
    assert_close(layer(factor * X + shift, factor * Y), output, what="output", rtol=1e-3, atol=1e-3)


@worth(1, examples=10, hint="Over which axes do your mean and variance run? Only the last one holds features.")
@given(shape=sizes(2, low=2), seed=seeds())
def other_positions_do_not_matter(student, shape, seed):
    """Changing `X` or `Y` at one position changes the output there and nowhere else, in both modes."""
    place = seed % shape[0], seed % shape[1]
    for layer in (build(student), build(student).train()):
        pair = sequences(shape, seed)
        before = assert_shape(layer(*(Z.clone() for Z in pair)), (*shape, SIZE), what="output").detach()
        for name, changing in zip("XY", pair, strict=True):
            changing[place] += normal((SIZE,), seed + 2, dtype=DOUBLE, scale=9.0)
            after = assert_shape(layer(*(Z.clone() for Z in pair)), (*shape, SIZE), what="output").detach()
            changed = ((after - before).abs() > 1e-9).any(-1)  # (batch, positions)
            where = f"position {place[1]} of {name} in example {place[0]}"
            assert_that(bool(changed[place]), f"changing {where} does not change the output there", output=after)
            changed[place] = False
            assert_that(not changed.any(), f"changing {where} changes other outputs", output=after)
            before = after


@worth(1, examples=6, hint="A normalisation that keeps statistics from call to call is not a layer norm.")
@given(shape=sizes(2), seed=seeds())
def every_position_could_stand_alone(student, shape, seed):
    """A position alone, as a sequence of length 1, gives what it gives among others, in both modes."""
    for layer in (build(student), build(student).train()):
        X, Y = sequences(shape, seed)
        together = assert_shape(layer(X.clone(), Y.clone()), (*shape, SIZE), what="output").detach()
        assert_answers(layer, X, Y)
        for b in range(shape[0]):
            for i in range(shape[1]):
                alone = (Z[b : b + 1, i : i + 1].clone() for Z in (X, Y))
                assert_close(layer(*alone), together[b : b + 1, i : i + 1], what=f"output of position {i}, example {b}")


@worth(1.5, examples=10, hint="Which of the two goes through dropout? What was in X must never get lost.")
@given(shape=sizes(2), seed=seeds())
def dropping_everything_leaves_the_input(student, shape, seed):
    """In training with dropout=1 all of `Y` is dropped and nothing of `X`: what is left is the normalised `X`."""
    X, Y = sequences(shape, seed)
    layer = build(student, dropout=1.0)
    assert_answers(layer, X, Y)
    assert_close(layer.train()(X.clone(), Y), normalised(X), what="output in training")


@worth(1.5, hint="`nn.Dropout` with the rate of the constructor, on Y, before the sum: it also raises what it keeps.")
def each_feature_of_y_is_dropped_by_itself(student):
    """In training with dropout=0.75 each feature of `Y` is either dropped or counts four times, at random."""
    X, Y = sequences((4, 8), 1, size=32)
    X[..., :2], Y[..., :2] = torch.tensor([0.0, 1.0]), 0  # with these two the sum can be read off what is normalised
    layer = build(student, 32, dropout=0.75).train()

    def dropped():
        output = assert_shape(layer(X.clone(), Y.clone()), tuple(X.shape), what="output").detach()
        zero, one = output[..., :1], output[..., 1:2]
        kept = ((output - zero) / (one - zero) - X)[..., 2:]  # what came out of the dropout
        gone = kept.abs() < 1e-6
        assert_close(kept, 4 * Y[..., 2:].masked_fill(gone, 0), what="Y after dropout", rtol=1e-6, atol=1e-6)
        return gone

    first, second = dropped(), dropped()
    share = first.double().mean().item()
    assert_that(0.65 < share < 0.85, f"dropout=0.75 dropped {share:.0%} of Y")
    assert_that(bool((first != first[..., :1]).any()), "a position loses all its features or none")
    assert_that(not torch.equal(first[0], first[1]), "all examples lose the same features")
    assert_that(not torch.equal(first[:, 0], first[:, 1]), "all positions lose the same features")
    assert_that(not torch.equal(first, second), "two calls lose the same features")


@worth(0.5, hint="`nn.Dropout` knows whether the module is training; a function must be told.")
def evaluation_drops_nothing(student):
    """In evaluation mode the output is the normalised sum, whatever the dropout rate, and repeats exactly."""
    X, Y = sequences((3, 5), 1)
    layer = build(student, dropout=0.75)
    output = assert_close(layer(X.clone(), Y.clone()), normalised(X + Y), what="output").detach()
    assert_equal(layer(X, Y), output, what="output, second time")


@worth(1, examples=1, hint="Gradients must reach X as well as Y: no detach, no .data, no numpy.")
@given(seed=seeds())
def gradients_are_derivatives(student, seed):
    """The gradients of the output with respect to `X` and `Y` are its derivatives."""
    X, Y = (Z.requires_grad_() for Z in sequences((1, 2), seed, size=3))
    layer = build(student, 3)
    assert_gradcheck(lambda x, y: layer(x.clone(), y.clone()), X, Y, what="output")


@worth(
    1.5,
    group="robust",
    hint="The book normalises `[steps, features]` together in an example. How many numbers may come?",
)
def several_axes_are_refused(student):
    """A `normalized_shape` of two or more numbers raises a ValueError in the constructor, a single one does not."""
    for size in ([SIZE], (SIZE,)):
        assert_answers(build(student, size), *sequences((2, 3), 1))
    for shape in ([3, SIZE], (3, SIZE), [2, 3, SIZE], [1, SIZE]):
        assert_raises("ValueError", student.AddNorm, shape, 0.0, what=f"AddNorm({shape}, 0.0)")


@worth(0.5, group="robust", examples=10, hint="A method that ends in _ changes its tensor, and so does `X += Y`.")
@given(shape=sizes(2), training=st.booleans(), seed=seeds())
def arguments_are_left_alone(student, shape, training, seed):
    """`X` and `Y` are after the call what they were before, so that a second call agrees."""
    X, Y = sequences(shape, seed)
    before = X.clone(), Y.clone()
    wanted = normalised(X + Y)
    layer = build(student).train(training)
    for time in ("first time", "second time"):
        assert_close(layer(X, Y), wanted, what=f"output, {time}")
        assert_unchanged(X, before[0], what="X")
        assert_unchanged(Y, before[1], what="Y")


@worth(
    0.5, group="robust", examples=4, hint="Convert nothing: the sum and the norm compute in the dtype that they get."
)
@given(dtype=st.sampled_from([torch.float16, torch.bfloat16]), seed=seeds())
def half_precision_stays_half(student, dtype, seed):
    """In half precision the output is of the same dtype, finite, and nearly that of double precision."""
    X, Y = sequences((2, 3), seed, dtype=dtype)
    wanted = normalised(X.double() + Y.double())
    output = build(student).to(dtype)(X, Y)
    assert_finite(assert_dtype(output, dtype, what="output"), what="output")
    assert_close(output.double(), wanted, what="output in half precision", rtol=0.05, atol=0.05)


# The steps on the way, for a student who fails


@step("the sum of X and Y")
@given(seed=seeds())
def what_goes_over_changes_nothing(student, seed):
    layer, (X, Y) = build(student), sequences((2, 3), seed)
    Z = normal(X.shape, seed + 2, dtype=DOUBLE)
    assert_answers(layer, X, Y)
    assert_close(layer(X + Z, Y - Z), layer(X, Y), what="output for (X + Z, Y - Z)", **LOOSE)


@step("the mean of 0 at every position")
@given(seed=seeds())
def mean_is_taken_off(student, seed):
    output = build(student)(*sequences((2, 3), seed))
    assert_close(output.mean(-1), torch.zeros(2, 3, dtype=DOUBLE), what="output.mean(-1)", **LOOSE)


@step("the variance of 1 at every position")
@given(seed=seeds())
def variance_is_one(student, seed):
    output = build(student)(*sequences((2, 3), seed, scale=5.0))
    assert_close(output.square().mean(-1), torch.ones(2, 3, dtype=DOUBLE), what="the variance", rtol=0.0, atol=1e-3)


@step("the weight and the bias of the norm")
@given(seed=seeds())
def norm_is_learned(student, seed):
    layer, (X, Y) = build(student), sequences((2, 3), seed)
    found = {name: tuple(each.shape) for name, each in layer.named_parameters()}
    wanted = {"ln.weight": (SIZE,), "ln.bias": (SIZE,)}
    assert_that(found == wanted, f"the parameters are {found}, wanted {wanted}")
    state = amplify(layer.state_dict(), 1)
    layer.load_state_dict(state)
    wanted = normalised(X + Y) * state["ln.weight"] + state["ln.bias"]
    assert_close(layer(X, Y), wanted, what="output", **LOOSE)
