"""Parity with the reference, at the sizes of a real layer."""

from __future__ import annotations

from hypothesis import given

from headcheck.compare import assert_equal
from headcheck.properties import worth
from headcheck.strategies import normal, seeds

BATCH, POSITIONS, HEADS, SIZE = 3, 10, 8, 16


@worth(1, examples=5, hint="Number the features with torch.arange, and follow one of them by hand.")
@given(seed=seeds())
def rows_equal_the_reference(student, reference, seed):
    """The rows are those of the reference."""
    X = normal((BATCH, POSITIONS, HEADS * SIZE), seed)
    wanted = reference.transpose_qkv(X, HEADS)
    assert_equal(student.transpose_qkv(X, HEADS), wanted, what="rows")


@worth(1, examples=5, hint="Number the rows with torch.arange, and follow one of them by hand.")
@given(seed=seeds())
def features_equal_the_reference(student, reference, seed):
    """The features are those of the reference."""
    X = normal((BATCH * HEADS, POSITIONS, SIZE), seed)
    wanted = reference.transpose_output(X, HEADS)
    assert_equal(student.transpose_output(X, HEADS), wanted, what="features")
