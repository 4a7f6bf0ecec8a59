"""Strategies: shapes that no accident passes, padding that bites, failures that shrink."""

from __future__ import annotations

import pytest
import torch
from hypothesis import find, given
from hypothesis import strategies as st

from headcheck import strategies

SHAPE = (2, 3, 4)


@given(st.data(), st.integers(1, 4))
def test_sizes_are_pairwise_different(data, count):
    """So that a swapped axis is an error."""
    drawn = data.draw(strategies.sizes(count, low=2, high=5))
    assert len(set(drawn)) == count
    assert set(drawn) <= set(range(2, 6))


def test_the_first_sizes_are_the_smallest():
    """Failures shrink to them."""
    assert find(strategies.sizes(3), lambda _: True) == (1, 2, 3)


@given(strategies.tensors((2, 3), dtype=torch.float64))
def test_tensors_are_finite_and_of_the_dtype(drawn):
    """Whole or normal numbers."""
    assert (drawn.shape, drawn.dtype) == ((2, 3), torch.float64)
    assert drawn.isfinite().all()


def test_tensors_shrink_to_whole_numbers():
    """Which a student can follow by hand."""
    drawn = find(strategies.tensors((2, 3)), lambda _: True)
    assert torch.equal(drawn, drawn.round())


@given(strategies.masked_scores(empty_rows=True))
def test_padding_is_poisoned(case):
    """Large and finite, exactly past the valid lengths."""
    assert torch.equal(case.scores == strategies.POISON, case.padded)
    assert case.padded.shape == case.scores.shape


@given(strategies.masked_scores(ones=False))
def test_without_empty_rows_every_query_has_a_key(case):
    """And without `ones` no axis is 1."""
    assert not case.empty.any()
    assert min(case.scores.shape) > 1


@pytest.mark.parametrize(("kind", "shape"), [("per example", (2,)), ("per query", (2, 3))])
def test_lengths_have_the_shape_of_their_kind(kind, shape):
    """One an example, or one a query."""
    drawn = find(strategies.valid_lengths(SHAPE, lengths=[kind]), lambda _: True)
    assert (drawn.shape, drawn.dtype) == (shape, torch.int64)


@given(strategies.valid_lengths(SHAPE, lengths=["per example", "per query"], empty_rows=True))
def test_empty_rows_are_there_when_asked_for(lengths):
    """At least one length is 0, and none exceeds the number of keys."""
    assert lengths.min() == 0
    assert lengths.max() <= 4


@given(strategies.valid_lengths(SHAPE, lengths=["none"]))
def test_no_lengths_are_none(lengths):
    """As the book's functions take it."""
    assert lengths is None


def test_padding_is_what_lies_past_the_length():
    """Per example for all queries, per query for its own row, nowhere without lengths."""
    assert strategies.padding(None, (1, 2, 3)).tolist() == [[[False] * 3] * 2]
    assert strategies.padding(torch.tensor([1]), (1, 2, 3)).tolist() == [[[False, True, True]] * 2]
    assert strategies.padding(torch.tensor([[0, 2]]), (1, 2, 3)).tolist() == [[[True] * 3, [False, False, True]]]


@given(strategies.attention_inputs())
def test_attention_has_pairwise_different_sizes(case):
    """Counts and widths alike."""
    counts, widths = case.shape, [part.shape[-1] for part in case.args[:3]]
    assert len({*counts, *widths}) == 6


@given(strategies.attention_inputs(query_size=4, key_size=4, value_size=4, ones=False))
def test_sizes_that_are_given_are_kept(case):
    """For layers that need them equal."""
    assert [part.shape[-1] for part in case.args[:3]] == [4, 4, 4]
    assert min(case.shape) > 1


@given(strategies.attention_inputs(lengths=["per example", "per query"]))
def test_keys_and_values_that_nobody_may_see_are_poisoned(case):
    """Those that are padding for every query."""
    unused = case.padded.all(1)
    assert (case.keys[unused] == strategies.POISON).all()
    assert (case.values[unused] == strategies.POISON).all()


@given(strategies.seeds())
def test_the_same_seed_gives_the_same_numbers(seed):
    """On every call, here and for the whole class."""
    assert torch.equal(strategies.normal((2, 3), seed), strategies.normal((2, 3), seed))


@given(strategies.generators())
def test_generators_are_seeded_by_hypothesis(generator):
    """So an example is reproducible."""
    assert 0 <= generator.initial_seed() <= 2**16


def test_an_amplified_state_keeps_names_shapes_and_whole_numbers():
    """Only what is learned becomes large."""
    state = {"weight": torch.zeros(40, 30, dtype=torch.float64), "steps": torch.tensor(3)}
    loud = strategies.amplify(state, 0, scale=5.0)
    assert {name: (part.shape, part.dtype) for name, part in loud.items()} == {
        name: (part.shape, part.dtype) for name, part in state.items()
    }
    assert loud["weight"].std() > 4
    assert loud["steps"] == 3
