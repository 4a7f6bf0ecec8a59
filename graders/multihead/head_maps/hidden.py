"""Parity with the reference: maps of layers with copied weights, and descriptions of maps with padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import assert_close, assert_shape, assert_that
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal, padding, seeds, sizes, valid_lengths

SIZES = {"key_size": 7, "query_size": 8, "value_size": 9}
HEAD_SIZE = 5


def layer(module, num_heads, seed, scale):
    """A layer of a module in float64: the same seed, the same weights."""
    mha = module.MultiHeadAttention(**SIZES, num_hiddens=num_heads * HEAD_SIZE, num_heads=num_heads, dropout=0.0)
    mha.double().load_state_dict(amplify(mha.state_dict(), seed, scale=scale))
    return mha


@dataclass(frozen=True)
class Maps:
    """Square maps `(batch, heads, positions, positions)` whose padded columns are 0."""

    maps: Tensor


@st.composite
def square_maps(draw):
    """Maps of self-attention in a batch of sentences of different lengths."""
    batch, heads, n = draw(sizes(3))
    lengths = draw(valid_lengths((batch, n, n), lengths=("none", "per example", "per query")))
    padded = padding(lengths, (batch, n, n))[:, None]
    scores = normal((batch, heads, n, n), draw(seeds()), scale=2.0)
    return Maps(scores.masked_fill(padded, -torch.inf).softmax(-1))


def assert_entry(student, reference, case, name):
    """One entry of the description is the reference's."""
    wanted = reference.describe_heads(case.maps)[name]
    described = student.describe_heads(case.maps)
    known = isinstance(described, dict) and name in described
    assert_that(known, f"the description has no entry {name!r}")
    assert_close(assert_shape(described[name], tuple(wanted.shape), what=name), wanted, atol=1e-4, what=name)


@worth(2, examples=30, hint="Compare head by head and example by example with what the layer kept.")
@given(
    case=attention_inputs(**SIZES, dtype=torch.float64),
    heads=st.sampled_from((1, 2, 3, 4)),
    seed=seeds(),
    scale=st.sampled_from((0.3, 4.0)),
)
def maps_equal_the_reference(student, reference, case, heads, seed, scale):
    """The maps are right for every kind of valid lengths, for timid heads and for sharp ones."""
    wanted = reference.head_attention_maps(layer(reference, heads, seed, scale), *case.args)
    assert_close(student.head_attention_maps(layer(student, heads, seed, scale), *case.args), wanted, what="maps")


@worth(1, examples=20, hint="One entropy per row, in nats; only then the average over rows.")
@given(case=square_maps())
def entropies_are_right(student, reference, case):
    """`entropy` is the mean entropy of the rows of each head, padding included as 0."""
    assert_entry(student, reference, case, "entropy")


@worth(1, examples=20, hint="Take the diagonal of the last two axes and average it.")
@given(case=square_maps())
def diagonalities_are_right(student, reference, case):
    """`diagonality` is the mean weight that a position gives to itself."""
    assert_entry(student, reference, case, "diagonality")


@worth(1, examples=20, hint="Sum |query - key| times the weight over the keys, and average over the queries.")
@given(case=square_maps())
def distances_are_right(student, reference, case):
    """`distance` is the mean of |query - key| under the weights."""
    assert_entry(student, reference, case, "distance")
