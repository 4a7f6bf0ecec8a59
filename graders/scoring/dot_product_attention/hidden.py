"""Parity with the reference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import attention_inputs


def _cases(**options):
    """Inputs whose queries and keys are 4 or 9 wide, and so never as wide as the values."""
    return st.sampled_from([4, 9]).flatmap(lambda d: attention_inputs(query_size=d, key_size=d, **options))


def _assert_parity(student, reference, case, *, tolerance):
    ours, theirs = reference.DotProductAttention(0.0), student.DotProductAttention(0.0).eval()
    wanted = ours(*case.args)
    output = theirs(*case.args)
    assert_close(
        theirs.attention_weights, ours.attention_weights, what="attention_weights", rtol=tolerance, atol=tolerance
    )
    assert_close(output, wanted, what="output", rtol=tolerance, atol=tolerance)


@worth(2, hint="Write the score of one query and one key down by hand, and follow your code.", examples=25)
@given(case=_cases())
def equals_the_reference(student, reference, case):
    """Output and weights are the reference's."""
    _assert_parity(student, reference, case, tolerance=1e-4)


@worth(2, hint="Is the mask where it should be, and the divisor the root of the width of the queries?", examples=25)
@given(case=_cases(scale=4.0, ones=False))
def equals_the_reference_when_sharp(student, reference, case):
    """With long queries and keys, so that attention is far from uniform, output and weights are the reference's."""
    _assert_parity(student, reference, case, tolerance=1e-3)
