"""What anyone can check about learned positions."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
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
        "This is your positional encoding with another table: one that an optimizer can change. What makes a tensor "
        "part of what is trained?"
    ),
    (
        "torch.randn has standard deviation 1. How do you get the standard deviation that is asked for, in a table of "
        "shape (1, max_len, num_hiddens)?"
    ),
    (
        "The forward pass takes as many rows of P as X has positions, from offset on, adds them to all examples "
        "alike, and then applies dropout. Check the end of that slice against max_len first."
    ),
)

MAX_LEN = 12


def build(student, num_hiddens, *, dropout=0.0, seed=0):
    """A layer in evaluation mode whose table the grader has filled, and the table."""
    table = normal((1, MAX_LEN, num_hiddens), seed + 100, scale=2.0)
    layer = student.LearnedPositionalEncoding(num_hiddens, dropout, MAX_LEN).eval()
    layer.load_state_dict({"P": table})
    return layer, table


@worth(1, gate=True, hint="Return X plus the vectors of its positions: a tensor of the shape of X.", examples=8)
@given(shape=sizes(3, low=2), seed=seeds())
def something_is_added_to_every_token(student, shape, seed):
    """The output has the shape of the input, depends on it, and is not the input itself."""
    X = normal(shape, seed)
    layer = student.LearnedPositionalEncoding(shape[-1], 0.0).eval()
    output = assert_shape(layer(X.clone()), tuple(X.shape), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(lambda x: layer(x.clone()), X, X + 1, what="output")
    more = layer(torch.zeros_like(X)) + X
    assert_that(bool(torch.isfinite(more).all()), "the output is not finite")
    assert_equal(layer(X.clone()), output, what="output, second time")


@worth(1, hint="One nn.Parameter named P, with an axis of 1 for the batch in front.")
def table_is_the_only_parameter(student):
    """P has the shape (1, max_len, num_hiddens), 64 positions by default, and nothing else is learned or stored."""
    for arguments, shape in (((6, 0.0), (1, 64, 6)), ((4, 0.1, 9), (1, 9, 4)), ((5, 0.0, 1), (1, 1, 5))):
        layer = student.LearnedPositionalEncoding(*arguments)
        found = {name: tuple(value.shape) for name, value in layer.named_parameters()}
        assert_that(found == {"P": shape}, f"the parameters are {found}, wanted P of {shape}")
        stored = sorted(layer.state_dict())
        assert_that(stored == ["P"], f"the state dict has the names {stored}, wanted P alone")


@worth(1, hint="torch.randn has a standard deviation of 1. What is asked for?")
def vectors_start_small(student):
    """The numbers of a new P have mean 0 and standard deviation 0.02."""
    P = student.LearnedPositionalEncoding(64, 0.0, 256).P
    mean, deviation = P.mean().item(), P.std().item()
    assert_that(abs(mean) < 0.002, f"the mean is {mean:.4f}, wanted 0")
    assert_that(0.018 < deviation < 0.022, f"the standard deviation is {deviation:.4f}, wanted 0.02")
    tails = (P.abs() > 0.04).double().mean().item()
    assert_that(0.02 < tails < 0.08, f"{tails:.1%} of the numbers are beyond two deviations, wanted about 4.6 %")


@worth(1, hint="Are the rows drawn one by one, or one row for all?")
def no_two_positions_start_equal(student):
    """In a new P no two rows, and no two columns, are the same."""
    P = assert_shape(student.LearnedPositionalEncoding(6, 0.0, 20).P, (1, 20, 6), what="P")[0]
    for axis, name in ((0, "rows of P"), (1, "columns of P")):
        different = len(torch.unique(P, dim=axis).movedim(axis, 0))
        assert_that(different == P.shape[axis], f"only {different} of the {P.shape[axis]} {name} differ")


@worth(2.5, hint="Add the first rows of P to X as it is: no factor, nothing in between.", examples=20)
@given(shape=sizes(3), seed=seeds())
def vectors_are_added(student, shape, seed):
    """The output is the input plus the row of P that belongs to each position, in every example."""
    X = normal(shape, seed, scale=3.0)
    layer, table = build(student, shape[-1], seed=seed)
    assert_close(layer(X.clone()), X + table[:, : shape[1]], what="output")


@worth(
    2, hint="With an offset the first token is not at position 0. Which rows are its and its neighbours'?", examples=15
)
@given(positions=st.integers(1, 5), offset=st.integers(0, 7), seed=seeds())
def offset_goes_on_where_a_part_ended(student, positions, offset, seed):
    """With an offset, the rows of P from there on are added."""
    X = normal((2, positions, 3), seed)
    layer, table = build(student, 3, seed=seed)
    wanted = X + table[:, offset : offset + positions]
    assert_close(layer(X.clone(), offset), wanted, what=f"output with offset {offset}")


@worth(1, hint="Compare offset plus the number of positions with max_len before you slice.")
def too_long_is_refused(student):
    """Beyond max_len positions, counted with the offset, there is a ValueError; exactly max_len are allowed."""
    layer, table = build(student, 4)
    for positions, offset in ((MAX_LEN, 0), (1, MAX_LEN - 1), (5, MAX_LEN - 5)):
        wanted = table[:, offset : offset + positions]
        assert_close(layer(torch.zeros(1, positions, 4), offset), wanted, what=f"output of {positions} from {offset}")
    for positions, offset in ((MAX_LEN + 1, 0), (1, MAX_LEN), (5, MAX_LEN - 4), (2 * MAX_LEN, 0)):
        assert_raises("ValueError", layer, torch.zeros(1, positions, 4), offset, what=f"{positions} from {offset}")


@worth(2, hint="Which rows of P took part in the sum, and how often?", examples=15)
@given(shape=sizes(3), offset=st.integers(0, 3), seed=seeds())
def gradient_reaches_the_rows_in_use(student, shape, offset, seed):
    """A row's gradient counts the examples in which it was added: the batch size for rows in use, 0 for others."""
    batch, positions, num_hiddens = shape
    X = normal(shape, seed)
    layer, _ = build(student, num_hiddens)
    (P,) = layer.parameters()
    output = assert_shape(layer(X, offset), shape, what="output")
    assert_that(output.requires_grad, "no gradient reaches P")
    (gradient,) = torch.autograd.grad(output.sum(), [P])
    wanted = torch.zeros(1, MAX_LEN, num_hiddens)
    wanted[:, offset : offset + positions] = batch
    assert_close(gradient, wanted, what="gradient of P")


@worth(0.5, hint="The sum has to stay a torch operation on X itself.")
def gradient_passes_unchanged(student):
    """The gradient of the output with respect to the input is 1 everywhere."""
    X = normal((2, 5, 4), 3).requires_grad_()
    layer, _ = build(student, 4)
    output = assert_shape(layer(X), (2, 5, 4), what="output")
    assert_that(output.requires_grad, "no gradient reaches X")
    found = torch.autograd.grad(output.sum(), [X], allow_unused=True)[0]
    assert_close(found, torch.ones_like(X), what="gradient of X")


@worth(0.5, hint="nn.Dropout knows whether the module is training.")
def evaluation_drops_nothing(student):
    """In evaluation mode a dropout of 0.75 changes nothing."""
    X = normal((2, 9, 6), 1)
    layer, table = build(student, 6, dropout=0.75)
    assert_close(layer(X.clone()), X + table[:, :9], what="output")


@worth(1, hint="First the sum, then nn.Dropout of the sum, at the rate that the constructor was given.")
def dropout_falls_on_the_sum(student):
    """In training, with dropout=0.75, three numbers in four of the sum are 0 and the others four times as large."""
    X = normal((20, 10, 16), 2)
    layer, table = build(student, 16, dropout=0.75)
    summed = X + table[:, :10]
    output = assert_shape(layer.train()(X.clone()), tuple(X.shape), what="output")
    dropped = output == 0
    assert_close(output, torch.where(dropped, 0.0, 4 * summed), what="output in training", rtol=1e-4, atol=1e-4)
    share = dropped.float().mean().item()
    assert_that(0.7 < share < 0.8, f"dropout=0.75 dropped {share:.0%} of the numbers")
    assert_that(not torch.equal(dropped[0], dropped[1]), "the same numbers are dropped for all examples")
    assert_that(not torch.equal(dropped, layer(X.clone()) == 0), "the same numbers are dropped in every call")


@worth(0.5, group="robust", hint="Give the rows the dtype of X before you add them.")
def dtype_is_kept(student):
    """The output has the dtype of the input, float64 to float16."""
    layer, table = build(student, 4)
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        X = normal((2, 3, 4), 1, dtype=dtype)
        output = assert_dtype(layer(X.clone()), dtype, what="output")
        assert_close(output.float(), X.float() + table[:, :3], what=f"output in {dtype}", rtol=2e-2, atol=2e-2)


@worth(0.5, group="robust", hint="`X = X + ...` makes a new tensor, `X += ...` writes into the old one.")
def input_is_left_alone(student):
    """The input is the same after the call as before, and the output is the sum."""
    before = normal((2, 5, 4), 3)
    X = before.clone()
    layer, table = build(student, 4)
    output = layer(X)
    assert_unchanged(X, before, what="X")
    assert_not_copied(output, before, what="output")
    assert_close(output, before + table[:, :5], what="output")


# The steps on the way, for a student who fails


@step("the parameter P")
def table_is_there(student):
    for layer in (student.LearnedPositionalEncoding(6, 0.0, MAX_LEN), student.LearnedPositionalEncoding(6, 0.0)):
        found = {name: tuple(each.shape) for name, each in layer.named_parameters()}
        assert_that(found.keys() == {"P"}, f"the parameters are {', '.join(found) or 'none'}, wanted P")
        assert_that(found["P"] in ((1, MAX_LEN, 6), (1, 64, 6)), f"P has shape {found['P']}")
    assert_that(build(student, 6)[0].state_dict()["P"].shape[1] == MAX_LEN, "P does not have max_len positions")


@step("the numbers with which P starts")
def table_starts_small(student):
    P = student.LearnedPositionalEncoding(50, 0.0, 100).state_dict()["P"]
    spread, mean = P.std().item(), P.mean().item()
    assert_that(0.015 < spread < 0.025, f"P has a standard deviation of {spread:.3g}, wanted about 0.02")
    assert_that(not torch.equal(P[0, 0], P[0, 1]), "all positions start with the same numbers")
    assert_that(abs(mean) < 0.003, f"P has a mean of {mean:.3g}, wanted about 0")


@step("the sum of tokens and positions")
@given(shape=sizes(3, low=2))
def positions_are_added(student, shape):
    layer, P = build(student, shape[2])
    X = normal(shape, 1)
    assert_close(layer(X.clone()), X + P[:, : shape[1]], what="output")


@step("the offset")
@given(offset=st.integers(1, MAX_LEN - 6))
def offset_is_kept(student, offset):
    layer, P = build(student, 6)
    X = normal((2, 5, 6), 1)
    assert_close(layer(X.clone(), offset), X + P[:, offset : offset + 5], what="output")


@step("the gradient that reaches P")
def table_can_learn(student):
    layer, _ = build(student, 6)
    (P,) = layer.parameters()
    (grad,) = gradients(layer(normal((2, 5, 6), 1)), [P], what="output")
    assert_that(bool(grad[:, :5].all()), "no gradient reaches P")
