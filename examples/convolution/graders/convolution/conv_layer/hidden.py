"""Parity with the reference, in double precision and with all gradients."""

from __future__ import annotations

import torch
from hypothesis import given

from headcheck.compare import assert_close, assert_shape, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes


@worth(2, examples=20, hint="The kernel is used as it is: nothing is scaled, cut off or detached on the way.")
@given(shape=sizes(5, low=2, high=7), seed=seeds())
def equals_the_reference(student, reference, shape, seed):
    """With the same large weights the output and the gradients of images, kernel and bias are the reference's."""
    batch, rows, columns, down, right = shape
    ours, theirs = (module.Conv2D((rows, columns)).double() for module in (reference, student))
    state = amplify(ours.state_dict(), seed, scale=4.0)
    slopes = normal((batch, down + 1, right + 1), seed + 2, dtype=torch.float64)
    found = []
    for layer in (ours, theirs):
        layer.load_state_dict(state)
        X = normal((batch, rows + down, columns + right), seed + 1, dtype=torch.float64).requires_grad_()
        parameters = dict(layer.named_parameters())
        output = assert_shape(layer(X.clone()), tuple(slopes.shape), what="output")
        inputs = [X, parameters["weight"], parameters["bias"]]
        found.append([output, *gradients(output * slopes, inputs, what="output")])
    names = ("output", "gradient of X", "gradient of weight", "gradient of bias")
    for name, wanted, got in zip(names, *found, strict=True):
        assert_close(got, wanted, what=name)
