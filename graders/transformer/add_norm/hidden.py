"""Parity with the reference, and its gradients."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_shape, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes

DOUBLE = torch.float64
FEATURES = st.sampled_from([7, 2, 16, 3])  # as many as there are positions, too


def _pair(student, reference, size, seed):
    """The reference and the submission with the same large weights, in evaluation mode."""
    ours, theirs = (module.AddNorm(size, 0.5).double().eval() for module in (reference, student))
    state = amplify(ours.state_dict(), seed, scale=4.0)
    for layer in (ours, theirs):
        layer.load_state_dict(state)
    return ours, theirs


@worth(
    2, examples=25, hint="First the sum, then the norm with its weight and bias, over the features, and nothing else."
)
@given(shape=sizes(2), size=FEATURES, scale=st.sampled_from([1.0, 100.0, 0.01]), seed=seeds())
def equals_the_reference(student, reference, shape, size, scale, seed):
    """With large random weights and biases the output is the reference's."""
    ours, theirs = _pair(student, reference, size, seed)
    X, Y = (scale * normal((*shape, size), seed + i, dtype=DOUBLE) for i in range(2))
    wanted = ours(X, Y)
    assert_close(theirs(X, Y), wanted, what="output")


@worth(1, examples=10, hint="The gradient of a sum goes to both parts of it. Was one of them detached?")
@given(shape=sizes(2), size=FEATURES, seed=seeds())
def gradients_equal_the_reference(student, reference, shape, size, seed):
    """`X`, `Y`, the weight and the bias get the gradient of the reference."""
    slopes = normal((*shape, size), seed + 2, dtype=DOUBLE)
    found = []
    for layer in _pair(student, reference, size, seed):
        X, Y = (normal((*shape, size), seed + i, dtype=DOUBLE).requires_grad_() for i in range(2))
        parameters = dict(sorted(layer.named_parameters()))
        output = assert_shape(layer(X, Y), tuple(slopes.shape), what="output")
        found.append(gradients(output * slopes, [X, Y, *parameters.values()], what="output"))
    for place, wanted, got in zip(["X", "Y", *parameters], *found, strict=True):
        assert_close(got, wanted, what=f"gradient of {place}")
