"""The stack of the reference, number by number."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_number, assert_that
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes

DEPTH = 6


@worth(2, examples=4, hint="One generator, first the tokens, then block after block, each with weights of its own.")
@given(residual=st.booleans(), seed=st.integers(0, 1000))
def stack_is_that_of_the_reference(student, reference, residual, seed):
    """After each block the similarity is the reference's."""
    wanted = reference.similarity_by_depth(DEPTH, residual=residual, seed=seed)
    found = student.similarity_by_depth(DEPTH, residual=residual, seed=seed)
    assert_that(isinstance(found, list | tuple) and len(found) == DEPTH, f"this is no list of {DEPTH}", got=found)
    for block, (got, right) in enumerate(zip(found, wanted, strict=True), 1):
        assert_number(got, right, atol=1e-3, what=f"the similarity after block {block}")


@worth(1, examples=25, hint="Numbers on the diagonal, pairs across sequences, lengths: what else may have crept in?")
@given(shape=sizes(3, low=2, high=8), common=st.sampled_from([0.0, 0.5, 3.0]), seed=seeds())
def similarity_is_that_of_the_reference(student, reference, shape, common, seed):
    """For tokens with more and less in common the similarity is the reference's."""
    X = normal(shape, seed) + common * normal((1, 1, shape[2]), seed + 1)
    X = X * torch.linspace(0.1, 4, shape[0])[:, None, None]
    wanted = reference.token_similarity(X)
    assert_number(student.token_similarity(X), wanted, atol=1e-5, what="similarity")
