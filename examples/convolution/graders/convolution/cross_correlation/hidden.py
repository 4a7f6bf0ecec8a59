"""Parity with the reference, however large the image and however it lies in memory."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes


@worth(1, hint="Try an image and a kernel that are not square.")
@given(shape=sizes(4, low=1, high=9), seed=seeds())
def equals_the_reference(student, reference, shape, seed):
    """The answer is the reference's."""
    rows, columns, down, right = shape
    X = normal((rows + down, columns + right), seed, dtype=torch.float64)
    K = normal((rows, columns), seed + 1, dtype=torch.float64)
    wanted = reference.corr2d(X, K)
    assert_close(student.corr2d(X, K), wanted)


@worth(1, examples=20, hint="Axes say where a number is; how the memory behind them is laid out is not your matter.")
@given(shape=sizes(4, low=2, high=6), seed=seeds(), transposed=st.sampled_from(["image", "kernel"]))
def order_in_memory_does_not_matter(student, reference, shape, seed, transposed):
    """A transposed image or kernel is read by its axes, as any other."""
    rows, columns, down, right = shape
    X, K = normal((rows + down, columns + right), seed), normal((rows, columns), seed + 1)
    if transposed == "image":
        X = X.T.contiguous().T
    else:
        K = K.T.contiguous().T
    wanted = reference.corr2d(X, K)
    assert_close(student.corr2d(X, K), wanted, rtol=1e-4, atol=1e-4)
