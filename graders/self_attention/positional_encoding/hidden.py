"""The positional encoding against the reference, at positions far out."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_that
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes

FAR = {"rtol": 0.0, "atol": 1e-3}  # angles near 1000, in float32


@worth(1, hint="Compare a row in the middle of the table with the formula.", examples=10)
@given(shape=sizes(2), half=st.sampled_from([4, 1, 5, 10, 32]), seed=seeds())
def equals_the_reference(student, reference, shape, half, seed):
    """The output is that of the reference, for many widths."""
    X = normal((*shape, 2 * half), seed)
    wanted = reference.PositionalEncoding(2 * half, 0.0)(X)
    assert_close(student.PositionalEncoding(2 * half, 0.0)(X.clone()), wanted, what="output", rtol=0.0, atol=1e-4)


@worth(1, hint="Do positions beyond the first few hundred still have encodings of their own?", examples=4)
@given(num_hiddens=st.sampled_from([8, 12, 20]))
def late_positions_equal_the_reference(student, reference, num_hiddens):
    """The output is that of the reference up to position 999, and no two positions share an encoding."""
    X = normal((1, 1000, num_hiddens), num_hiddens)
    wanted = reference.PositionalEncoding(num_hiddens, 0.0)(X)
    output = assert_close(student.PositionalEncoding(num_hiddens, 0.0)(X.clone()), wanted, what="output", **FAR)
    distances = torch.cdist(output - X, output - X)[0] + torch.eye(1000)
    assert_that(bool((distances > 1e-2).all()), "two positions have the same encoding")
