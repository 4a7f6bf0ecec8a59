"""Parity with the reference."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_number, assert_shape
from headcheck.properties import worth
from headcheck.strategies import seeds

COUNTS = 400, 40


@worth(2, examples=12, hint="Scores, temperature, softmax: which of them comes when?")
@given(temperature=st.sampled_from([1.0, 0.3, 3.0]), seed=seeds())
def sharpness_is_that_of_the_reference(student, reference, temperature, seed):
    """At any temperature the mean entropy of many queries is that of the reference's, whatever was drawn."""
    wanted, found = (
        torch.special.entr(assert_shape(draw(*COUNTS, temperature=temperature, generator=generator), COUNTS)).sum(-1)
        for draw, generator in (
            (reference.random_attention, torch.Generator().manual_seed(seed)),
            (student.random_attention, torch.Generator().manual_seed(seed + 1)),
        )
    )
    assert_number(found.mean().item(), wanted.mean().item(), atol=0.15, what="the mean entropy")
