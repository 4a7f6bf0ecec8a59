"""What local and linear attention compute, by their definitions written out in full."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

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
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, normal, seeds

HINTS = (
    (
        "For the window, number the neighbours of each token relative to it, from -window to window, and collect only "
        "their keys and values. Which of them do not exist near the ends?"
    ),
    (
        "For the linear form, change the order of the products: features of the keys times values can be summed "
        "before any query comes. What does each query divide by?"
    ),
    (
        "Causal means that query i reads the sums up to key i: a cumsum along the keys of both the products and the "
        "features. The features are elu plus something that makes them positive."
    ),
)

FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
TIGHT = {"rtol": 1e-9, "atol": 1e-9}


@dataclass
class _Case(Inputs):
    queries: Tensor
    keys: Tensor
    values: Tensor

    @property
    def args(self):
        return self.queries.clone(), self.keys.clone(), self.values.clone()


@dataclass
class _Local(_Case):
    window: int


def _inputs(n, m, seed, *, batch=2, size=4, value_size=5, dtype=torch.float64):
    shapes = [(batch, n, size), (batch, m, size), (batch, m, value_size)]
    return [normal(shape, seed + i, scale=2.0, dtype=dtype) for i, shape in enumerate(shapes)]


@st.composite
def _local_cases(draw):
    batch, n, size, value_size = draw(
        st.sampled_from([(2, 7, 4, 5), (1, 1, 1, 2), (3, 2, 5, 4), (2, 10, 3, 1), (4, 4, 4, 4), (2, 9, 2, 3)])
    )
    inputs = _inputs(n, n, draw(seeds()), batch=batch, size=size, value_size=value_size)
    return _Local(*inputs, draw(st.sampled_from([0, 1, 2, 3, n - 1, n, n + 2])))


@st.composite
def _linear_cases(draw, *, square=False):
    batch, n, m, size, value_size = draw(
        st.sampled_from([(2, 3, 7, 4, 5), (1, 1, 1, 1, 2), (3, 6, 2, 5, 4), (2, 5, 5, 3, 1), (4, 4, 4, 4, 4)])
    )
    return _Case(*_inputs(n, n if square else m, draw(seeds()), batch=batch, size=size, value_size=value_size))


def _banded(queries, keys, values, window):
    n = queries.shape[1]
    far = (torch.arange(n)[:, None] - torch.arange(n)).abs() > window
    scores = queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[-1])
    return scores.masked_fill(far, -torch.inf).softmax(-1) @ values


def _weighted(queries, keys, values, *, causal):
    products = (nn.functional.elu(queries) + 1) @ (nn.functional.elu(keys) + 1).transpose(1, 2)
    products = products.tril() if causal else products
    return products / products.sum(-1, keepdim=True) @ values


@worth(1, gate=True, hint="The output has a row for each query, as wide as the values.")
def local_attention_answers(student):
    """local_attention returns (batch, n, value_size), and another token nearby changes it."""
    queries, keys, values = _inputs(6, 6, 1)
    assert_shape(student.local_attention(queries.clone(), keys, values, 1), (2, 6, 5), what="output")
    assert_responds(lambda x: student.local_attention(queries.clone(), x, values, 1), keys, keys.roll(1, 1))
    assert_responds(lambda x: student.local_attention(queries.clone(), keys, x, 1), values, values.roll(1, 1))


@worth(1, gate=True, hint="The output has a row for each query, as wide as the values.")
def linear_attention_answers(student):
    """linear_attention returns (batch, n, value_size), and another key or value changes it."""
    queries, keys, values = _inputs(3, 6, 1)
    assert_shape(student.linear_attention(queries.clone(), keys, values), (2, 3, 5), what="output")
    assert_responds(lambda x: student.linear_attention(queries.clone(), x, values), keys, keys.roll(1, 1))
    assert_responds(lambda x: student.linear_attention(queries.clone(), keys, x), values, values.roll(1, 1))


@worth(2.5, examples=50, hint="Write down, for one token, whom it sees, and follow your code for that token.")
@given(case=_local_cases())
def local_equals_full_attention_in_a_band(student, case):
    """It is scaled dot-product attention in which tokens more than `window` apart get no weight."""
    wanted = _banded(*case.args, case.window)
    assert_close(student.local_attention(*case.args, case.window), wanted, what="output", **TIGHT)


@worth(0.5, hint="A window of 0 leaves a token alone with itself: what is its weight?")
def window_of_zero_returns_the_values(student):
    """With window 0 each token sees itself only."""
    queries, keys, values = _inputs(6, 6, 3)
    assert_close(student.local_attention(queries, keys, values.clone(), 0), values, what="output", **TIGHT)


@worth(0.5, hint="What do n - 1 steps to either side reach? What should a window far beyond that cost?")
def wide_window_sees_everything(student):
    """A window of n - 1, or a million, gives full attention."""
    inputs = _inputs(6, 6, 4)
    wanted = _banded(*inputs, 6)
    for window in (5, 6, 10**6):
        got = student.local_attention(*(x.clone() for x in inputs), window)
        assert_close(got, wanted, what=f"output with window {window}", **TIGHT)


@worth(1, examples=15, hint="Count the neighbours on both sides. Does anything sum over the whole sequence?")
@given(seed=seeds(), window=st.integers(0, 3))
def only_neighbours_notice_a_change(student, seed, window):
    """Another key and value at one place change the outputs at most `window` away, and no others at all."""
    queries, keys, values = _inputs(9, 9, seed)
    before = student.local_attention(queries.clone(), keys, values, window)
    for place in (0, 4, 8):
        other_keys, other_values = keys.clone(), values.clone()
        other_keys[:, place] += 1
        other_values[:, place] += 1
        after = student.local_attention(queries.clone(), other_keys, other_values, window)
        near = (torch.arange(9) - place).abs() <= window
        assert_equal(after[:, ~near], before[:, ~near], what=f"outputs more than {window} from place {place}")
        changed = (after != before).any(-1).all(0)
        assert_that(bool(changed[near].all()), f"a change at place {place} does not reach all within {window}")


@worth(0.5, hint="Is there a neighbour beyond the end that takes weight from the real ones?")
def ends_share_out_all_their_weight(student):
    """Values that are all 1 come out as 1, at the ends too."""
    queries, keys, values = _inputs(6, 6, 5)
    for window in (1, 3):
        got = student.local_attention(queries.clone(), keys, torch.ones_like(values), window)
        assert_close(got, torch.ones_like(got), what=f"output with window {window} for values of 1", **TIGHT)


@worth(2, examples=40, hint="phi of queries and of keys, their products, divided by each query's own sum.")
@given(case=_linear_cases())
def linear_equals_its_definition(student, case):
    """It is the average of the values under the products of features, made to sum to 1 for each query."""
    wanted = _weighted(*case.args, causal=False)
    assert_close(student.linear_attention(*case.args), wanted, what="output", **TIGHT)


@worth(2, examples=40, hint="Query i reads what keys 0 to i have left: a running sum, not a sum.")
@given(case=_linear_cases(square=True))
def causal_equals_its_definition(student, case):
    """With causal=True each query averages over the keys up to its own place."""
    wanted = _weighted(*case.args, causal=True)
    assert_close(student.linear_attention(*case.args, causal=True), wanted, what="output", **TIGHT)


@worth(0.5, hint="elu goes down to -1: what has to be added?")
def weights_are_positive_and_sum_to_one(student):
    """Read off with the identity as values, all weights are above 0 and each row sums to 1."""
    queries, keys, _ = _inputs(3, 6, 6)
    weights = student.linear_attention(queries, keys, torch.eye(6, dtype=torch.float64).expand(2, 6, 6).clone())
    assert_that(bool((weights > 0).all()), "a weight is not positive", weights=weights)
    assert_close(weights.sum(-1), torch.ones(2, 3, dtype=torch.float64), what="the sum of each row", **TIGHT)


@worth(1, hint="Which keys does the normaliser of query i sum over?")
def the_future_does_not_matter(student):
    """With causal=True, other tokens later on change no earlier output at all."""
    queries, keys, values = _inputs(6, 6, 7)
    before = student.linear_attention(queries.clone(), keys.clone(), values.clone(), causal=True)
    for t in range(1, 6):
        others = [torch.cat([x[:, :t], x[:, t:] + 1], 1) for x in (queries, keys, values)]
        after = student.linear_attention(*others, causal=True)
        assert_close(after[:, :t], before[:, :t], what=f"outputs before place {t}", **TIGHT)


@worth(1, hint="Every step has to be a torch operation that stays in the graph.")
def gradients_are_derivatives(student):
    """The gradients of all three forms are their derivatives."""
    inputs = [x.requires_grad_() for x in _inputs(4, 4, 8, batch=1, size=2, value_size=2)]
    assert_gradcheck(lambda *args: student.local_attention(*args, 1), *inputs, what="local_attention")
    assert_gradcheck(student.linear_attention, *inputs, what="linear_attention")
    assert_gradcheck(
        lambda *args: student.linear_attention(*args, causal=True), *inputs, what="causal linear_attention"
    )


@worth(0.5, hint="What you make yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """Outputs have the dtype of the inputs, float64 to float16, and are finite."""
    for dtype in FLOATS:
        inputs = _inputs(5, 5, 9, dtype=dtype)
        for name, output in (
            ("local_attention", student.local_attention(*inputs, 1)),
            ("linear_attention", student.linear_attention(*inputs)),
            ("causal linear_attention", student.linear_attention(*inputs, causal=True)),
        ):
            assert_finite(assert_dtype(output, dtype, what=name), what=name)


@worth(0.5, hint="Does anything reach from one example to another?")
def examples_do_not_mix(student):
    """Each example alone gets what it gets in the batch."""
    inputs = _inputs(5, 5, 10, batch=3)
    for name, attend in (
        ("local_attention", lambda *args: student.local_attention(*args, 1)),
        ("linear_attention", student.linear_attention),
        ("causal linear_attention", lambda *args: student.linear_attention(*args, causal=True)),
    ):
        together = attend(*(x.clone() for x in inputs))
        for i in range(3):
            alone = attend(*(x[i : i + 1].clone() for x in inputs))
            assert_close(alone, together[i : i + 1], what=f"{name} of example {i} alone", **TIGHT)


@worth(0.5, group="robust", hint="Look for /= and *=, and for functions whose name ends in an underscore.")
def arguments_are_left_alone(student):
    """Queries, keys and values are the same after the calls."""
    inputs = _inputs(5, 5, 11)
    names = ("queries", "keys", "values")
    for attend in (
        lambda *args: student.local_attention(*args, 1),
        student.linear_attention,
        lambda *args: student.linear_attention(*args, causal=True),
    ):
        before = [x.clone() for x in inputs]
        attend(*inputs)
        for name, now, then in zip(names, inputs, before, strict=True):
            assert_unchanged(now, then, what=name)


# The steps on the way, for a student who fails


ANY_DTYPE = {"rtol": 1e-4, "atol": 1e-4, "dtype": False}


def _weights_of(attention, queries, keys, *rest):
    """The weights, read off values that are the identity: (batch, n, m)."""
    identity = torch.eye(keys.shape[1], dtype=keys.dtype).repeat(len(keys), 1, 1)
    shape = (len(keys), queries.shape[1], keys.shape[1])
    return assert_shape(attention(queries.clone(), keys.clone(), identity, *rest), shape, what="weights")


def _near(window):
    """Seven tokens and their local weights; True where a key is within the window."""
    queries, keys, _ = _inputs(7, 7, 1)
    return queries, keys, (torch.arange(7)[:, None] - torch.arange(7)).abs() <= window


def _assert_shared_out(weights):
    assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), what="weights.sum(-1)", **ANY_DTYPE)


def _assert_local(student, window):
    queries, keys, _ = _near(window)
    wanted = _weights_of(_banded, queries, keys, window)
    assert_close(_weights_of(student.local_attention, queries, keys, window), wanted, what="weights", **ANY_DTYPE)


@step("local weights that sum to 1")
def local_weights_sum_to_one(student):
    for window in (0, 2):
        queries, keys, _ = _near(window)
        _assert_shared_out(_weights_of(student.local_attention, queries, keys, window))


@step("the neighbours within the window")
def window_has_its_width(student):
    for window in (0, 1, 2):
        queries, keys, near = _near(window)
        weights = _weights_of(student.local_attention, queries, keys, window)
        assert_equal(weights != 0, near.expand(2, -1, -1), what=f"which weights are not 0, with window={window}")


@step("the weights among the neighbours")
def neighbours_are_weighed(student):
    for window in (1, 2):
        _assert_local(student, window)


@step("a window wider than the sequence")
def window_may_be_wide(student):
    _assert_local(student, 9)


@step("linear weights that sum to 1")
def linear_weights_sum_to_one(student):
    queries, keys, _ = _inputs(3, 7, 1)
    _assert_shared_out(_weights_of(student.linear_attention, queries, keys))


@step("the features phi of queries and keys")
def features_are_phi(student):
    queries, keys, values = _inputs(3, 7, 1)
    wanted = _weighted(queries, keys, values, causal=False)
    assert_close(student.linear_attention(queries, keys, values), wanted, what="output", **ANY_DTYPE)


@step("the causal sums")
def later_keys_are_left_out(student):
    queries, keys, values = _inputs(7, 7, 1)
    wanted = _weighted(queries, keys, values, causal=True)
    assert_close(student.linear_attention(queries, keys, values, causal=True), wanted, what="output", **ANY_DTYPE)
