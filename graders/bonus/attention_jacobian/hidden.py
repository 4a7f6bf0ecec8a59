"""Parity with the reference."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import normal, seeds


@worth(2, hint="Follow one key through your code: its weight, its distance from the mean, its part of the sum.")
@given(n=st.integers(1, 24), d=st.integers(1, 12), scale=st.sampled_from([0.0, 0.3, 1.0, 4.0]), seed=seeds())
def equals_the_reference(student, reference, n, d, scale, seed):
    """With few and many keys, from even weights to sharp ones, the result is that of the reference."""
    query = normal((d,), seed, dtype=torch.float64, scale=scale)
    keys = normal((n, d), seed + 1, dtype=torch.float64)
    wanted = reference.attention_jacobian(query, keys)
    assert_close(student.attention_jacobian(query, keys), wanted, what="the jacobian")
