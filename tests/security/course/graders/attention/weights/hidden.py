"""The weights against the reference."""

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, gradients
from headcheck.properties import worth
from headcheck.strategies import normal, seeds

NEEDLE = "needle-hidden-e91a40b3d852"


@worth(3, examples=6, hint="Which keys take part?")
@given(seed=seeds(), length=st.integers(1, 6))
def weights_are_those_of_the_reference(student, reference, seed, length):
    """The weights are the softmax of the first keys."""
    scores = normal((4, 6), seed)
    assert_close(student.weights(scores, length), reference.weights(scores, length), what="the weights")


@worth(2, hint="Do not leave the graph.")
def gradients_are_those_of_the_reference(student, reference):
    """The gradient reaches the scores."""
    scores = normal((4, 6), seed=5).requires_grad_()
    slopes = normal((4, 6), seed=6)
    (got,) = gradients(student.weights(scores, 4) * slopes, [scores], what="the weights")
    (wanted,) = gradients(reference.weights(scores, 4) * slopes, [scores])
    assert_close(got, wanted, what="the gradient")
