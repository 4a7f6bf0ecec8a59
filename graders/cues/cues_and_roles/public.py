"""What anyone can check of an experiment that tells queries, keys and values apart."""

from __future__ import annotations

from itertools import permutations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_shape, assert_that
from headcheck.properties import worth
from headcheck.strategies import normal, sizes

HINTS = (
    (
        "Write attention down as weights times values, with weights that come from queries and keys. Change one "
        "argument at a time: what must the output do, whatever the score is?"
    ),
    (
        "The output is linear in the values alone: turn the sign of an argument around and compare. And its rows "
        "stand in the order of the queries: what happens when an argument's rows change places?"
    ),
    (
        "Two tests for each argument, negated and with its rows reversed, name two of the roles. What is left over "
        "are the keys. Draw the inputs at random, so that no accident agrees."
    ),
)

ROLES = "queries", "keys", "values"
SIZES = st.integers(2, 6)
ALLOWED_CALLS = 20


def dot_product(queries, keys):
    """Scaled dot products: (queries, keys)."""
    return queries @ keys.T / queries.shape[-1] ** 0.5


def additive(queries, keys):
    """The scores of a small network with one hidden layer, whose two inputs are not treated alike."""
    W_q, W_k = (normal((queries.shape[-1], 8), seed, dtype=queries.dtype) for seed in (1, 2))
    sums = (queries @ W_q)[:, None] + keys @ W_k  # (queries, keys, 8)
    return sums.tanh() @ normal((8,), 3, dtype=queries.dtype)


def gaussian(queries, keys):
    """The near score higher than the far."""
    return -torch.cdist(queries, keys).square() / 2


class Box:
    """Attention with its arguments in some order; it knows how often it was asked."""

    __slots__ = ("calls", "lengths", "order", "score", "size")

    def __init__(self, order, num_queries, num_keys, size, score=dot_product):
        self.order, self.size, self.score, self.calls = order, size, score, 0
        self.lengths = tuple(num_queries if role == "queries" else num_keys for role in order)

    def __call__(self, *arguments):
        self.calls += 1
        assert_that(len(arguments) == len(ROLES), f"`attend` was called with {len(arguments)} arguments, wanted 3")
        for i, (argument, length) in enumerate(zip(arguments, self.lengths, strict=True)):
            assert_shape(argument, (1, length, self.size), what=f"argument {i} of `attend`")
            assert_that(argument.is_floating_point(), f"argument {i} of `attend` holds no floating numbers")
        given = dict(zip(self.order, arguments, strict=True))
        queries, keys, values = (given[role][0].double() for role in ROLES)
        return (self.score(queries, keys).softmax(-1) @ values).to(arguments[0].dtype)[None]


def identified(student, box):
    """The roles that the student's experiment finds."""
    found = student.identify_roles(box, box.lengths, box.size)
    assert_that(isinstance(found, dict), "`identify_roles` returns no dictionary")
    well_formed = set(found) == {0, 1, 2} and all(role in ROLES for role in found.values())
    assert_that(well_formed, "the dictionary must map 0, 1 and 2 to 'queries', 'keys' or 'values'", roles=str(found))
    return found


def assert_identified(student, box):
    """The student's experiment finds the order of this box."""
    found = identified(student, box)
    for i, role in enumerate(box.order):
        message = f"in the order {', '.join(box.order)}, with lengths {box.lengths}, argument {i} is called {found[i]}"
        assert_that(found[i] == role, message, roles=str(found))


@worth(1, gate=True, hint="Return a dictionary such as {0: 'keys', 1: 'values', 2: 'queries'}.")
def every_argument_gets_a_role(student):
    """`identify_roles` returns a dictionary from 0, 1 and 2 to the names of roles."""
    for order in permutations(ROLES):
        identified(student, Box(order, 3, 5, 4))


@worth(3, examples=6, hint="Whom does the output follow when it is doubled? And when its rows change places?")
@given(counts=sizes(2, low=2), size=SIZES)
def different_lengths_are_seen_through(student, counts, size):
    """With more or fewer queries than keys, the roles come out for all six orders of the arguments."""
    for order in permutations(ROLES):
        assert_identified(student, Box(order, *counts, size))


@worth(3, examples=6, hint="When all lengths are equal the shapes say nothing. What does a query do that a key cannot?")
@given(count=SIZES, size=SIZES)
def equal_lengths_are_seen_through(student, count, size):
    """With as many queries as keys, the roles come out for all six orders of the arguments."""
    for order in permutations(ROLES):
        assert_identified(student, Box(order, count, count, size))


@worth(3, examples=6, hint="What holds of attention whatever the score? Scores differ in how they see a doubled query.")
@given(counts=st.one_of(sizes(2, low=2), SIZES.map(lambda count: (count, count))), size=SIZES)
def any_score_is_seen_through(student, counts, size):
    """The roles come out when the score is a small network or a distance, not a dot product."""
    for score in (additive, gaussian):
        for order in permutations(ROLES):
            assert_identified(student, Box(order, *counts, size, score))


@worth(2, examples=4, hint="Two changes, each to one argument at a time: how many calls is that?")
@given(counts=sizes(2, low=2), size=st.integers(3, 6))
def twenty_calls_are_enough(student, counts, size):
    """The roles are found with at most 20 calls of the box."""
    for order in permutations(ROLES):
        box = Box(order, *counts, size)
        assert_identified(student, box)
        assert_that(box.calls <= ALLOWED_CALLS, f"the box was asked {box.calls} times; {ALLOWED_CALLS} must be enough")
