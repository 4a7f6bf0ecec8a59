"""Parity with the reference."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs


@worth(3, examples=30, hint="Follow one query and one key at different places through your code: which row is theirs?")
@given(
    case=st.sampled_from([1, 3, 4]).flatmap(
        lambda d: attention_inputs(query_size=d, key_size=d, dtype=torch.float64, scale=2.0)
    ),
    clip=st.integers(0, 4),
)
def equals_the_reference(student, reference, case, clip):
    """With the same offsets, as they begin and much larger, output and weights are those of the reference."""
    sizes = case.queries.shape[-1], clip
    m, r = student.RelativeAttention(*sizes).double(), reference.RelativeAttention(*sizes).double()
    for state in (r.state_dict(), amplify(r.state_dict(), 1, scale=4.0)):
        r.load_state_dict(state)
        m.load_state_dict(state)
        wanted = r(*case.args)
        assert_close(m(*(None if x is None else x.clone() for x in case.args)), wanted, what="output")
        assert_close(m.attention_weights, r.attention_weights, what="attention_weights")
