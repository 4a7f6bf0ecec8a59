"""What anyone can check about averages and about kernels."""

from __future__ import annotations

import math
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
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, normal, seeds, sizes

HINTS = (
    (
        "Every query meets every key, so there is a table of distances, (queries, keys). Which axis do you add to the "
        "queries for the subtraction to make it?"
    ),
    (
        "The normalised exponentials of the formula have a name. What is the argument of the exponential, and over "
        "which axis of the table is the sum?"
    ),
    (
        "Three steps: the distances in units of the bandwidth, scores from them with the square and the half, a "
        "softmax over the keys. Then one product of weights and values serves both forms of values."
    ),
)

ESTIMATES, WEIGHTS = "the estimates", "the weights"


@dataclass(frozen=True)
class Samples(Inputs):
    """Queries, keys in any order, one value for each key, several values for each key, and a bandwidth."""

    queries: Tensor
    keys: Tensor
    values: Tensor
    several: Tensor
    bandwidth: float


@st.composite
def samples(draw, *, dtype=torch.float64, low=1):
    """Three different sizes, or three times the same; a kernel that reaches some keys and not others."""
    queries, keys, width = draw(st.one_of(sizes(3, low=low), st.just((4, 4, 4))))
    seed = draw(seeds())
    shapes = (queries,), (keys,), (keys,), (keys, width)
    drawn = [normal(shape, seed + i, dtype=dtype, scale=2.0) for i, shape in enumerate(shapes)]
    return Samples(*drawn, draw(st.sampled_from([1.0, 2.0, 0.5, 3.0])))


def pool(student, queries, keys, values, *bandwidth):
    """Estimates, of the right shape, and weights; the arguments are copies, so only one property sees changes."""
    pair = student.nw_pooling(queries.clone(), keys.clone(), values.clone(), *bandwidth)
    is_pair = isinstance(pair, tuple | list) and len(pair) == 2
    assert_that(is_pair, "nw_pooling does not return a pair: estimates and weights")
    return assert_shape(pair[0], (len(queries), *values.shape[1:]), what=ESTIMATES), pair[1]


def estimate(student, *args):
    """Estimates alone."""
    return pool(student, *args)[0]


def weigh(student, queries, keys, values, *bandwidth):
    """Weights alone, of the right shape."""
    weights = pool(student, queries, keys, values, *bandwidth)[1]
    return assert_shape(weights, (len(queries), len(keys)), what=WEIGHTS)


@worth(1, gate=True, examples=10, hint="Return two tensors: one estimate for each query, and the weights.")
@given(case=samples(low=2))
def estimates_come_one_per_query(student, case):
    """`nw_pooling` returns a pair: one estimate per query, which depends on the samples, and the weights."""
    some = case.queries, case.keys, case.values
    others = case.queries + 1, 2 * case.keys, 1 - case.values
    assert_responds(lambda args: estimate(student, *args, case.bandwidth), some, others, what=ESTIMATES)


@worth(1, examples=20, hint="One mean, repeated as often as there are queries.")
@given(count=st.integers(1, 6), queries=st.integers(1, 6), seed=seeds())
def average_is_the_mean_for_every_query(student, count, queries, seed):
    """`average_pooling` answers every query with the mean of the values."""
    values = normal((count,), seed, dtype=torch.float64)
    wanted = (values.sum() / count).expand(queries)
    assert_close(student.average_pooling(values, queries), wanted, what="the averages")


@worth(1, hint="Work through the example by hand, and mind the 1/2 and the square.")
def example_comes_out(student):
    """The example of the exercise comes out: weights 2/3 and 1/3, estimate 4."""
    args = torch.zeros(1), torch.tensor([0.0, 2 * math.sqrt(2 * math.log(2))]), torch.tensor([3.0, 6.0]), 2.0
    assert_close(estimate(student, *args), torch.tensor([4.0]), what=ESTIMATES)
    assert_close(weigh(student, *args), torch.tensor([[2 / 3, 1 / 3]]), what=WEIGHTS)


@worth(1, examples=20, hint="Over which axis do the keys lie?")
@given(case=samples())
def each_row_of_weights_sums_to_1(student, case):
    """The weights of each query are not negative and sum to 1."""
    weights = weigh(student, case.queries, case.keys, case.values, case.bandwidth)
    assert_that(bool((weights >= 0).all()), "some weights are negative", **{WEIGHTS: weights})
    assert_close(weights.sum(1), torch.ones(len(case.queries), dtype=torch.float64), what="row sums of the weights")


@worth(2, examples=30, hint="Take one query and one key: half the square of their distance in bandwidths, negated.")
@given(case=samples())
def weights_are_shares_of_a_gaussian(student, case):
    """Each weight is its key's Gaussian, `exp(-((x - x_i) / h)^2 / 2)`, over the sum of all."""
    kernels = [
        [math.exp(-(((x - key) / case.bandwidth) ** 2) / 2) for key in case.keys.tolist()]
        for x in case.queries.tolist()
    ]
    wanted = torch.tensor([[kernel / math.fsum(row) for kernel in row] for row in kernels], dtype=torch.float64)
    assert_close(weigh(student, case.queries, case.keys, case.values, case.bandwidth), wanted, what=WEIGHTS)


@worth(1, examples=30, hint="A product of the weights with the values, and nothing after it.")
@given(case=samples())
def estimates_are_the_values_under_the_weights(student, case):
    """Each estimate is the sum of the values times the query's weights, for values of one number or several."""
    weights = weigh(student, case.queries, case.keys, case.values, case.bandwidth)
    for values in (case.values, case.several):
        found = estimate(student, case.queries, case.keys, values, case.bandwidth)
        assert_close(found, weights @ values, what=ESTIMATES)


@worth(0.5, examples=10, hint="What does the signature say `bandwidth` is when nobody gives one?")
@given(case=samples())
def bandwidth_is_1_unless_given(student, case):
    """Without a bandwidth the estimates are those for 1."""
    wanted = estimate(student, case.queries, case.keys, case.values, 1.0)
    assert_close(estimate(student, case.queries, case.keys, case.values), wanted, what=ESTIMATES)


@worth(0.5, examples=20, hint="An average never leaves the range of what it averages.")
@given(case=samples())
def estimates_stay_among_the_values(student, case):
    """No estimate lies above the largest value or below the smallest."""
    found = estimate(student, case.queries, case.keys, case.several, case.bandwidth)
    low, high = case.several.min(0).values - 1e-9, case.several.max(0).values + 1e-9
    inside = bool(((found >= low) & (found <= high)).all())
    assert_that(inside, "an estimate lies outside the range of the values", **{ESTIMATES: found})


@worth(0.5, examples=20, hint="What happens to an average when every value is doubled, and when 5 is added to each?")
@given(case=samples())
def values_on_another_scale_give_estimates_on_it(student, case):
    """If every value `y` becomes `3 - 2y`, so does every estimate."""
    found = estimate(student, case.queries, case.keys, case.values, case.bandwidth)
    other = estimate(student, case.queries, case.keys, 3 - 2 * case.values, case.bandwidth)
    assert_close(other, 3 - 2 * found, what=ESTIMATES)


@worth(0.5, examples=20, hint="Each value belongs to its key, wherever in the list the two stand.")
@given(case=samples(low=2))
def order_of_the_samples_is_irrelevant(student, case):
    """Keys and values in the opposite order give the same estimates."""
    found = estimate(student, case.queries, case.keys, case.values, case.bandwidth)
    turned = estimate(student, case.queries, case.keys.flip(0), case.values.flip(0), case.bandwidth)
    assert_close(turned, found, what=ESTIMATES)


@worth(0.5, examples=20, hint="Each query looks at the keys, and at no other query.")
@given(case=samples(low=2))
def queries_are_answered_one_by_one(student, case):
    """A query alone gets the estimate that it gets among others."""
    found = estimate(student, case.queries, case.keys, case.values, case.bandwidth)
    for i, query in enumerate(case.queries.split(1)):
        alone = estimate(student, query, case.keys, case.values, case.bandwidth)
        assert_close(alone, found[i : i + 1], what=ESTIMATES)


@worth(0.5, examples=20, hint="Only the difference of query and key may count.")
@given(case=samples(), by=st.sampled_from([-3.0, 10.0]))
def shifting_the_axis_changes_nothing(student, case, by):
    """Adding the same number to all queries and keys leaves the estimates as they were."""
    found = estimate(student, case.queries, case.keys, case.values, case.bandwidth)
    shifted = estimate(student, case.queries + by, case.keys + by, case.values, case.bandwidth)
    assert_close(shifted, found, atol=1e-8, what=ESTIMATES)


@worth(0.5, examples=20, hint="Left and right of the query are the same to the kernel.")
@given(case=samples())
def mirroring_the_axis_changes_nothing(student, case):
    """Negating all queries and keys leaves the estimates as they were."""
    found = estimate(student, case.queries, case.keys, case.values, case.bandwidth)
    mirrored = estimate(student, -case.queries, -case.keys, case.values, case.bandwidth)
    assert_close(mirrored, found, what=ESTIMATES)


@worth(0.5, examples=20, hint="The distance is measured in bandwidths: divide, and then square.")
@given(case=samples(), by=st.sampled_from([3.0, 0.5]))
def bandwidth_is_in_the_units_of_x(student, case, by):
    """Measuring x in another unit, and the bandwidth with it, leaves the estimates as they were."""
    found = estimate(student, case.queries, case.keys, case.values, case.bandwidth)
    scaled = estimate(student, case.queries * by, case.keys * by, case.values, case.bandwidth * by)
    assert_close(scaled, found, what=ESTIMATES)


@worth(1, examples=20, hint="Which sample is left when the kernel is very narrow, and which when it is very wide?")
@given(order=st.permutations(range(5)), seed=seeds())
def bandwidth_leads_from_the_nearest_to_the_average(student, order, seed):
    """A tiny bandwidth gives the value of the nearest key, a huge one what `average_pooling` gives."""
    keys, values = torch.tensor(order, dtype=torch.float64), normal((5,), seed, dtype=torch.float64)
    queries = keys[[3, 0, 1]] + torch.tensor([0.2, -0.2, 0.1], dtype=torch.float64)
    assert_close(estimate(student, queries, keys, values, 0.01), values[[3, 0, 1]], what=ESTIMATES)
    wide = estimate(student, queries, keys, values, 1e6)
    assert_close(wide, values.mean().expand(3), what=ESTIMATES)
    assert_close(student.average_pooling(values, 3), wide, what="the averages")


@worth(1, examples=10, hint="exp(-500000) is 0. What does softmax subtract before it takes exponentials?")
@given(order=st.permutations([-2.0, -1.0, 0.0, 2.0]), seed=seeds())
def far_queries_get_the_nearest_value(student, order, seed):
    """A query 1000 away from all keys gets the value of the nearest one, also beside queries that are near."""
    keys, values = torch.tensor(order, dtype=torch.float64), normal((4,), seed, dtype=torch.float64)
    queries = torch.tensor([-1000.0, 0.0, 1000.0], dtype=torch.float64)
    nearest = [order.index(key) for key in (-2.0, 0.0, 2.0)]
    found = assert_finite(estimate(student, queries, keys, values, 0.1), what=ESTIMATES)
    assert_close(found, values[nearest], what=ESTIMATES)


@worth(1, examples=2, hint="Stay in tensors from the arguments to the results: no detach, no .item(), no lists.")
@given(seed=seeds())
def gradients_are_right(student, seed):
    """The gradients of estimates and weights with respect to the arguments are their derivatives."""
    shapes = (2,), (3,), (3,)
    inputs = [normal(shape, seed + i, dtype=torch.float64).requires_grad_() for i, shape in enumerate(shapes)]
    assert_gradcheck(lambda *args: estimate(student, *args, 0.8), *inputs, what=ESTIMATES)
    *places, values = inputs
    assert_gradcheck(lambda *args: weigh(student, *args, values.detach(), 0.8), *places, what=WEIGHTS)


@worth(0.5, examples=10, hint="A tensor that you make yourself is float32 until you say otherwise.")
@given(case=samples(dtype=torch.float32))
def single_precision_stays_single(student, case):
    """From float32 arguments come float32 results."""
    found, weights = pool(student, case.queries, case.keys, case.values, case.bandwidth)
    assert_dtype(found, torch.float32, what=ESTIMATES)
    assert_dtype(weights, torch.float32, what=WEIGHTS)
    assert_dtype(student.average_pooling(case.values, 2), torch.float32, what="the averages")


@worth(1, examples=10, group="robust", hint="A tensor that you make yourself is float32 until you say otherwise.")
@given(half=samples(dtype=torch.float16), brain=samples(dtype=torch.bfloat16))
def half_precision_works(student, half, brain):
    """In float16 and bfloat16 the results have the dtype of the arguments, and the weights sum to 1."""
    for case in (half, brain):
        args = case.queries, case.keys, case.values, case.bandwidth
        assert_finite(assert_dtype(estimate(student, *args), case.values.dtype, what=ESTIMATES), what=ESTIMATES)
        weights = assert_dtype(weigh(student, *args), case.values.dtype, what=WEIGHTS)
        assert_close(weights.float().sum(1), torch.ones(len(case.queries)), atol=1e-2, what="row sums of the weights")
        assert_dtype(student.average_pooling(case.values, 2), case.values.dtype, what="the averages")


@worth(1, examples=20, group="robust", hint="A method that ends in _ changes its tensor, and so does `-=`.")
@given(case=samples())
def arguments_are_left_alone(student, case):
    """Queries, keys and values are after the calls what they were before."""
    args = case.queries, case.keys, case.values
    before = [part.clone() for part in args]
    found, _ = student.nw_pooling(*args, case.bandwidth)
    averages = student.average_pooling(case.values, 2)
    for name, now, then in zip(("queries", "keys", "values"), args, before, strict=True):
        assert_unchanged(now, then, what=name)
    assert_equal(found, estimate(student, *args, case.bandwidth), what=ESTIMATES)
    assert_finite(averages, what="the averages")


# The steps on the way, for a student who fails


@step("the average of all values")
def average_is_the_mean(student):
    y = torch.tensor([1.0, 2.0, 6.0])
    assert_close(student.average_pooling(y.clone(), 4), torch.full((4,), 3.0), what="average_pooling([1, 2, 6], 4)")


def _assert_shared_out(weights):
    assert_close(weights.sum(1), torch.ones(len(weights), dtype=weights.dtype), what="weights.sum(1)")


def _assert_near_first(weights, distances):
    """Whatever the form of the kernel is, no nearer key has a smaller weight, and the weights do differ."""
    differences = weights[:, :, None] - weights[:, None]
    kept = differences * (distances[:, None] - distances[:, :, None]) >= -1e-9
    assert_that(bool(kept.all()), "a nearer key has a smaller weight", weights=weights)
    assert_that(bool((differences.amax((1, 2)) > 1e-4).all()), "all keys weigh the same", weights=weights)


@step("weights that sum to 1 over the keys")
@given(case=samples(low=2))
def weights_sum_to_one(student, case):
    _assert_shared_out(weigh(student, case.queries, case.keys, case.values, case.bandwidth))


@step("the preference for near keys")
def nearer_keys_weigh_more(student):
    queries, keys, values = (normal((count,), seed).double() for seed, count in enumerate((5, 6, 6)))
    weights = weigh(student, queries, keys, values, 2.0)
    _assert_near_first(weights, (queries[:, None] - keys).abs())


@step("the Gaussian weights")
@given(case=samples(low=2))
def weights_are_gaussian(student, case):
    kernels = (-(((case.queries[:, None] - case.keys) / case.bandwidth) ** 2) / 2).exp()
    weights = weigh(student, case.queries, case.keys, case.values, case.bandwidth)
    assert_close(weights, kernels / kernels.sum(1, keepdim=True), what=WEIGHTS)


@step("the weighted sum of the values")
@given(case=samples())
def values_are_averaged(student, case):
    kernels = (-(((case.queries[:, None] - case.keys) / case.bandwidth) ** 2) / 2).exp()
    wanted = (kernels * case.values).sum(1) / kernels.sum(1)
    assert_close(estimate(student, case.queries, case.keys, case.values, case.bandwidth), wanted, what=ESTIMATES)


@step("values of several numbers")
@given(case=samples())
def several_values_are_averaged(student, case):
    found = estimate(student, case.queries, case.keys, case.several, case.bandwidth)
    for column in range(case.several.shape[1]):
        alone = estimate(student, case.queries, case.keys, case.several[:, column], case.bandwidth)
        assert_close(found[:, column], alone, what=f"column {column} of the estimates")
