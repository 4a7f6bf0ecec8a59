"""Parity with the reference, and the gradients of the parameters."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_shape, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes

DOUBLE = torch.float64
WIDTHS = st.sampled_from([(7, 9, 8), (8, 16, 8), (9, 7, 7), (7, 1, 10), (1, 8, 1), (8, 8, 8)])


def _pair(student, reference, widths, *, scale, seed):
    """The reference and the submission with the same large weights."""
    ours, theirs = (module.PositionWiseFFN(*widths).double() for module in (reference, student))
    state = amplify(ours.state_dict(), seed, scale=scale)
    for network in (ours, theirs):
        network.load_state_dict(state)
        network.eval()
    return ours, theirs


@worth(1, examples=20, hint="`dense1`, ReLU, `dense2`: which of them is missing, or twice there?")
@given(shape=sizes(2), widths=WIDTHS, seed=seeds())
def equals_the_reference(student, reference, shape, widths, seed):
    """With the same weights the output is the reference's."""
    ours, theirs = _pair(student, reference, widths, scale=1.0, seed=seed)
    X = normal((*shape, widths[0]), seed + 1, dtype=DOUBLE)
    wanted = ours(X)
    assert_close(theirs(X), wanted, what="output")


@worth(1, examples=20, hint="Does anything in your network keep numbers small? Nothing should.")
@given(shape=sizes(2), widths=WIDTHS, seed=seeds())
def equals_the_reference_for_large_numbers(student, reference, shape, widths, seed):
    """With large weights and inputs the output is the reference's."""
    ours, theirs = _pair(student, reference, widths, scale=4.0, seed=seed)
    X = normal((*shape, widths[0]), seed + 1, dtype=DOUBLE, scale=10.0)
    wanted = ours(X)
    assert_close(theirs(X), wanted, what="output")


@worth(1, examples=10, hint="Which layer was detached, or is not used as it is?")
@given(shape=sizes(2, low=2), widths=WIDTHS.filter(lambda widths: widths[0] != widths[2]), seed=seeds())
def gradients_equal_the_reference(student, reference, shape, widths, seed):
    """The input and all four parameters get the gradient of the reference."""
    slopes = normal((*shape, widths[2]), seed + 2, dtype=DOUBLE)
    found = []
    for network in _pair(student, reference, widths, scale=1.0, seed=seed):
        X = normal((*shape, widths[0]), seed + 1, dtype=DOUBLE).requires_grad_()
        parameters = dict(sorted(network.named_parameters()))
        output = assert_shape(network(X), tuple(slopes.shape), what="output")
        found.append(gradients(output * slopes, [X, *parameters.values()], what="output"))
    for place, wanted, got in zip(["X", *parameters], *found, strict=True):
        assert_close(got, wanted, what=f"gradient of {place}")
