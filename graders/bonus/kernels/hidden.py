"""Parity with the reference, kernel by kernel, and the gradients of the places."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_shape, assert_that, gradients
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes

KERNELS = st.sampled_from(["gaussian", "boxcar", "epanechikov", "constant"])


def _arguments(counts, seed):
    """Samples, their values, and places of which each has a sample nearby."""
    number, queries = counts
    x_train = normal((number,), seed, scale=1.5)
    x_val = x_train.flip(0)[torch.arange(queries) % number] + 0.25 * normal((queries,), seed + 1).clamp(-3, 3)
    return x_train, normal((number,), seed + 2, scale=4.0), x_val


def _assert_pair(answer, wanted):
    assert_that(isinstance(answer, tuple | list) and len(answer) == 2, "nw does not return two tensors")
    for what, got, right in zip(("guesses", "weights"), answer, wanted, strict=True):
        assert_close(got, right, what=what, rtol=1e-4, atol=1e-4, dtype=False)


@worth(2, examples=30, hint="Kernel of the differences, row sums, division, product with the values: which one is off?")
@given(counts=sizes(2, high=8), name=KERNELS, seed=seeds())
def equals_the_reference(student, reference, counts, name, seed):
    """With each of the four kernels guesses and weights are the reference's."""
    arguments = _arguments(counts, seed)
    wanted = reference.nw(*arguments, getattr(reference, name))
    _assert_pair(student.nw(*arguments, getattr(student, name)), wanted)


@worth(1, examples=15, hint="`kernel` is an argument: call it, once for all distances, and use what it returns.")
@given(counts=sizes(2, high=8), width=st.sampled_from([0.5, 3.0, 10.0]), seed=seeds())
def any_kernel_will_do(student, reference, counts, width, seed):
    """With other kernels, wide and narrow ones and of any height, guesses and weights are the reference's."""

    def kernel(distances):
        return width * torch.exp(-distances.abs() / width)

    arguments = _arguments(counts, seed)
    wanted = reference.nw(*arguments, kernel)
    _assert_pair(student.nw(*arguments, kernel), wanted)


@worth(1, examples=10, hint="The places must stay in the graph, from the differences to the guesses.")
@given(counts=sizes(2, low=2, high=8), name=st.sampled_from(["gaussian", "epanechikov"]), seed=seeds())
def gradients_equal_the_reference(student, reference, counts, name, seed):
    """Places and values get the gradient of the reference."""
    slopes = normal((counts[1],), seed + 3)
    found = []
    for module in (reference, student):
        arguments = [part.clone().requires_grad_() for part in _arguments(counts, seed)]
        guesses, _ = module.nw(*arguments, getattr(module, name))
        assert_shape(guesses, (counts[1],), what="guesses")
        found.append(gradients(guesses * slopes, arguments, what="guesses"))
    for what, wanted, got in zip(("x_train", "y_train", "x_val"), *found, strict=True):
        assert_close(got, wanted, what=f"gradient of {what}", rtol=1e-3, atol=1e-3)
