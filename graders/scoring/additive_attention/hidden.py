"""Parity with the reference under the same weights."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, seeds


def _twins(student, reference, case, num_hiddens):
    """The student's layer and the reference's with the same weights, in eval mode."""
    sizes = case.keys.shape[-1], case.queries.shape[-1], num_hiddens, 0.0
    ours = reference.AdditiveAttention(*sizes).eval()
    return _copied(student.AdditiveAttention(*sizes).eval(), ours.state_dict()), ours


def _copied(layer, state):
    layer.load_state_dict(state, strict=False)  # a bias too many costs its points once, among the parameters
    return layer


def _assert_parity(theirs, ours, case, *, tolerance):
    wanted = ours(*case.args)
    output = theirs(*case.args)
    assert_close(
        theirs.attention_weights, ours.attention_weights, what="attention_weights", rtol=tolerance, atol=tolerance
    )
    assert_close(output, wanted, what="output", rtol=tolerance, atol=tolerance)


@worth(1, hint="Write the score of one query and one key down by hand, and follow your code.", examples=15)
@given(case=attention_inputs(), num_hiddens=st.integers(1, 9))
def equals_the_reference(student, reference, case, num_hiddens):
    """With the weights of a fresh reference layer, output and weights are the reference's."""
    theirs, ours = _twins(student, reference, case, num_hiddens)
    _assert_parity(theirs, ours, case, tolerance=1e-4)


@worth(2.5, hint="Is each score w_v . tanh(W_q q + W_k k), no more and no less?", examples=20)
@given(case=attention_inputs(), num_hiddens=st.integers(1, 9), seed=seeds())
def equals_the_reference_when_sharp(student, reference, case, num_hiddens, seed):
    """With large weights, so that attention is far from uniform, output and weights are the reference's."""
    theirs, ours = _twins(student, reference, case, num_hiddens)
    sharp = amplify(ours.state_dict(), seed, scale=4.0)
    _assert_parity(_copied(theirs, sharp), _copied(ours, sharp), case, tolerance=1e-3)
