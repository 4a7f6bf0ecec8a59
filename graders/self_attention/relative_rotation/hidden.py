"""The matrix of a step against the reference, and on the table of a module."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from self_attention.positional_encoding import PositionalEncoding

from headcheck.compare import assert_close, assert_responds, assert_shape
from headcheck.properties import worth


@worth(1, hint="Compare P[delta:] of your own PositionalEncoding with P[:-delta] @ M.T.", examples=10)
@given(delta=st.integers(1, 60), num_hiddens=st.sampled_from([4, 8, 12, 32]))
def rows_of_the_table_are_moved(student, delta, num_hiddens):
    """The matrix of a step moves the whole table of a positional encoding."""
    P = PositionalEncoding(num_hiddens, 0.0, max_len=200).P[0].double()
    assert_responds(lambda step: student.shift_matrix(step, num_hiddens), delta, delta + 1, what="matrix")
    M = assert_shape(student.shift_matrix(delta, num_hiddens), (num_hiddens, num_hiddens), what="matrix").double()
    assert_close(P[:-delta] @ M.T, P[delta:], what=f"P[:-{delta}] @ M.T", rtol=0.0, atol=1e-5)


@worth(2, hint="Which entry of a block of two differs, and in which pair first?", examples=30)
@given(delta=st.integers(-2000, 2000), num_hiddens=st.sampled_from([2, 4, 10, 14, 64]))
def equals_the_reference(student, reference, delta, num_hiddens):
    """The matrix is that of the reference, for small and large steps and many widths."""
    wanted = reference.shift_matrix(delta, num_hiddens)
    assert_close(student.shift_matrix(delta, num_hiddens), wanted, what="matrix", rtol=0.0, atol=1e-3, dtype=False)
