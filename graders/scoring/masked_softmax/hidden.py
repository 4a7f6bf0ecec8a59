"""Parity with the reference."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import masked_scores


@worth(1, hint="Take a batch of two short rows and work out their weights by hand, in float64.")
@given(case=masked_scores(dtype=torch.float64), scale=st.sampled_from([1.0, 0.0, 10.0, 1e3]))
def weights_equal_the_reference(student, reference, case, scale):
    """The weights are those of the reference, for scores of any size."""
    X = scale * case.scores
    wanted = reference.masked_softmax(X, case.valid_lens)
    assert_close(student.masked_softmax(X, case.valid_lens), wanted, what="weights")
