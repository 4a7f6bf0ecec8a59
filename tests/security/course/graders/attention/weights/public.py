"""What anyone can check about the weights."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_responds, assert_shape, assert_unchanged, assert_zero
from headcheck.properties import worth
from headcheck.strategies import normal, seeds


@worth(1, gate=True, hint="Return one weight for every score.")
def scores_become_weights(student):
    """Scores go in, and weights of the same shape, which depend on them, come out."""
    scores = normal((2, 4), seed=1)
    assert_shape(student.weights(scores.clone(), 4), (2, 4), what="the weights")
    assert_responds(lambda X: student.weights(X.clone(), 3), scores, -scores, what="the weights")


@worth(2, examples=6, hint="A softmax sums to one.")
@given(seed=seeds(), length=st.integers(1, 5))
def rows_sum_to_one(student, seed, length):
    """The weights of a row sum to 1."""
    weights = student.weights(normal((3, 5), seed), length)
    assert_close(weights.sum(-1), torch.ones(3), what="the sums of the rows")


@worth(1, hint="Mask before the softmax.")
def hidden_keys_get_nothing(student):
    """Keys past the length get a weight of exactly 0."""
    scores = normal((3, 5), seed=2)
    assert_zero(student.weights(scores, 2), where=(torch.arange(5) >= 2).expand(3, 5), what="the weights")


@worth(1, hint="Work on a copy.")
def scores_are_only_read(student):
    """The scores are what they were before the call."""
    scores = normal((3, 5), seed=3)
    student.weights(scores, 2)
    assert_unchanged(scores, normal((3, 5), seed=3), what="scores")
