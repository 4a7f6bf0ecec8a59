"""Parity with the reference."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import normal, seeds


@worth(2, hint="Which axis of the values do the weights run along?")
@given(batch=st.integers(1, 12), n=st.integers(1, 12), v=st.integers(0, 12), seed=seeds())
def equals_the_reference(student, reference, batch, n, v, seed):
    """For numbers (v=0) and vectors of many sizes, the averages are those of the reference."""
    weights = normal((batch, n), seed, dtype=torch.float64)
    values = normal((batch, n, v) if v else (batch, n), seed + 1, dtype=torch.float64, scale=3.0)
    wanted = reference.weighted_average(weights, values)
    assert_close(student.weighted_average(weights, values), wanted, what="the averages")
