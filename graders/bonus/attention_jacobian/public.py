"""What anyone can check about the derivative of attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import Inputs, normal, sizes, tensors

HINTS = (
    (
        "Use the product rule on sum_i w_i k_i: only the weights depend on the query. What is the derivative of log "
        "w_i with respect to q?"
    ),
    (
        "It is k_i minus the mean of all keys under the weights. Put it back: the sum has the form of weight, key, "
        "and key minus mean. Which matrix of statistics is that?"
    ),
    (
        "It is the covariance of the keys under the weights: centre the keys at their weighted mean, and sum the "
        "outer products, each with its weight. One matrix product does it."
    ),
)


@dataclass(frozen=True)
class Lookup(Inputs):
    """A query `(d,)`, and keys `(n, d)` that are the values too."""

    query: Tensor
    keys: Tensor


@st.composite
def lookups(draw, *, low=1, high=6):
    """Float64, scores of order 1 to 5; the counts differ, or `n` is `d`."""
    n, d = draw(st.one_of(sizes(2, low=low, high=high), st.integers(max(low, 2), 4).map(lambda size: (size, size))))
    dtype = torch.float64
    return Lookup(draw(tensors((d,), dtype=dtype)) / 4, draw(tensors((n, d), dtype=dtype)))


def _jacobian(student, query, keys):
    d = len(query)
    return assert_shape(student.attention_jacobian(query.clone(), keys.clone()), (d, d), what="the jacobian")


@worth(1, gate=True, hint="One row for each number of the output, one column for each number of the query.")
def is_a_square_matrix(student):
    """The result is as wide and as high as the query is long, and depends on the keys."""
    query, keys = normal((3,), 0), normal((5, 3), 1)
    _jacobian(student, query, keys)
    assert_responds(lambda keys: student.attention_jacobian(query.clone(), keys.clone()), keys, normal((5, 3), 2))


@worth(3, hint="Write down d w_i / d q for one key; it holds w_i, k_i and the mean of the keys under the weights.")
@given(case=lookups())
def agrees_with_autograd(student, case):
    """The result is what automatic differentiation makes of softmax(keys @ query) @ keys."""
    wanted = torch.autograd.functional.jacobian(lambda q: (case.keys @ q).softmax(0) @ case.keys, case.query)
    assert_close(_jacobian(student, case.query, case.keys), wanted, what="the jacobian")


@worth(0.5, hint="Is the same mean taken off on both sides of the product?", examples=20)
@given(case=lookups(low=2))
def is_symmetric(student, case):
    """Row and column may be exchanged."""
    jacobian = _jacobian(student, case.query, case.keys)
    assert_close(jacobian, jacobian.T, what="the jacobian")


@worth(1, hint="Which way does the output move when the query is pulled in some direction?", examples=20)
@given(case=lookups(low=2))
def output_follows_the_query(student, case):
    """Whichever way the query is pulled, the output never moves against it: no eigenvalue is negative."""
    jacobian = assert_finite(_jacobian(student, case.query, case.keys), what="the jacobian")
    least = torch.linalg.eigvalsh((jacobian + jacobian.T) / 2).min().item()
    assert_that(least > -1e-9, f"an eigenvalue of the jacobian is {least:.3g}", jacobian=jacobian)


@worth(1, hint="What is the output when all keys are the same? Does it depend on the query?", examples=20)
@given(case=lookups())
def equal_keys_leave_no_choice(student, case):
    """When all keys are equal, or there is only one, the jacobian is zero."""
    keys = case.keys[:1].expand_as(case.keys).clone()
    wanted = torch.zeros(len(case.query), len(case.query), dtype=torch.float64)
    assert_close(_jacobian(student, case.query, keys), wanted, what="the jacobian")


@worth(1, hint="A key of weight 0 counts for nothing, in the mean and in the spread around it.")
def certainty_passes_no_gradient(student):
    """When one key has all the weight, the jacobian is zero."""
    query, keys = normal((3,), 4, dtype=torch.float64), normal((5, 3), 5, dtype=torch.float64)
    wanted = torch.zeros(3, 3, dtype=torch.float64)
    assert_close(_jacobian(student, 1e4 * query, keys), wanted, what="the jacobian for a query 10000 times as long")
    assert_that(bool(_jacobian(student, query, keys).any()), "the jacobian is zero for a short query too")


@worth(
    1, hint="With equal weights of 1/n, what does statistics call this matrix? Mind what it divides by.", examples=20
)
@given(case=lookups(low=2))
def query_of_zeros_weighs_all_alike(student, case):
    """For a query of zeros the result is the covariance of the keys, divided by n."""
    wanted = torch.cov(case.keys.T, correction=0).reshape(len(case.query), len(case.query))
    assert_close(_jacobian(student, torch.zeros_like(case.query), case.keys), wanted, what="the jacobian")


@worth(1, hint="Measure the keys from their mean. Which mean moves along with them?", examples=20)
@given(case=lookups(low=2))
def shifted_keys_change_nothing(student, case):
    """Adding one vector to all keys leaves the jacobian as it was."""
    before = _jacobian(student, case.query, case.keys)
    after = _jacobian(student, case.query, case.keys + normal(case.query.shape, 6, dtype=torch.float64, scale=3.0))
    assert_close(after, before, what="the jacobian of shifted keys")


@worth(0.5, hint="The weights add up to 1 already, so how many keys there are must not matter.", examples=20)
@given(case=lookups(low=2))
def every_key_twice_changes_nothing(student, case):
    """Giving every key twice, in any order, leaves the jacobian as it was."""
    before = _jacobian(student, case.query, case.keys)
    after = _jacobian(student, case.query, torch.cat([case.keys, case.keys.flip(0)]))
    assert_close(after, before, what="the jacobian of doubled keys")


@worth(0.5, hint="Which numbers of two keys are multiplied with each other: only those at the same place?", examples=20)
@given(case=lookups(low=2))
def turns_with_the_vectors(student, case):
    """Turning query and keys together turns the jacobian: R J R^T for a rotation R."""
    d = len(case.query)
    rotation = torch.linalg.qr(normal((d, d), 7, dtype=torch.float64)).Q
    wanted = rotation @ _jacobian(student, case.query, case.keys) @ rotation.T
    turned = _jacobian(student, rotation @ case.query, case.keys @ rotation.T)
    assert_close(turned, wanted, what="the jacobian of rotated vectors")


@worth(1, hint="Stay with torch operations: no detach(), .data, .item() or no_grad(), also for the mean.")
def can_be_differentiated_again(student):
    """The gradients of the jacobian with respect to query and keys are its derivatives."""
    query, keys = normal((2,), 8, dtype=torch.float64), normal((3, 2), 9, dtype=torch.float64)
    inputs = query.requires_grad_(), keys.requires_grad_()
    assert_gradcheck(student.attention_jacobian, *inputs, what="the jacobian")


@worth(0.5, hint="exp of 1000 is infinite: torch's softmax takes the largest score off first.")
def large_scores_stay_finite(student):
    """Scores in the thousands that are close to each other give the jacobian of their differences."""
    keys = torch.tensor([[1000.0, 0.0], [1000.0, 1.0]])
    wanted = torch.tensor([[0.0, 0.0], [0.0, 0.25]])
    assert_close(_jacobian(student, torch.tensor([3.0, 0.0]), keys), wanted, what="the jacobian")


@worth(0.5, hint="What you create yourself takes its dtype from the keys.")
def dtype_is_kept(student):
    """The result has the dtype of the keys, float64 to float16, and half precision is right to two digits."""
    query, keys = normal((3,), 10) / 2, normal((5, 3), 11)
    wanted = torch.autograd.functional.jacobian(lambda q: (keys @ q).softmax(0) @ keys, query)
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        found = assert_dtype(_jacobian(student, query.to(dtype), keys.to(dtype)), dtype, what="the jacobian")
        assert_close(found, wanted, rtol=0.0, atol=0.05, dtype=False, what=f"the jacobian in {dtype}")


@worth(0.5, group="robust", hint="Look for -= and *=, and for functions whose name ends in an underscore.", examples=20)
@given(case=lookups())
def arguments_are_left_alone(student, case):
    """Query and keys are the same after the call, and a second call agrees with the first."""
    query, keys = case.query.clone(), case.keys.clone()
    first = student.attention_jacobian(case.query, case.keys)
    assert_unchanged(case.query, query, what="query")
    assert_unchanged(case.keys, keys, what="keys")
    assert_equal(_jacobian(student, case.query, case.keys), first, what="the jacobian, second time")


@worth(
    1.5,
    group="robust",
    examples=20,
    hint="The difference of two large numbers that are nearly equal has few digits left. Subtract before you multiply.",
)
@given(case=lookups(low=2))
def far_from_the_origin_it_stays_precise(student, case):
    """In float32, keys shifted by 4096 have the jacobian that they had, to within a hundredth."""
    query, keys = (4 * case.query).round().clamp(-1, 1), case.keys.round()
    wanted = torch.autograd.functional.jacobian(lambda q: (keys @ q).softmax(0) @ keys, query)
    found = _jacobian(student, query.float(), (keys + 4096).float())
    assert_close(found, wanted, rtol=0.01, atol=0.01, what="the jacobian of keys around 4096", dtype=False)
