"""What anyone can check about bandwidth rules, error curves and what they say."""

from __future__ import annotations

import math

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_equal,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import normal, seeds

HINTS = (
    (
        "A rule is a function that is made by a function: what does the outer one know, and what will the inner one "
        "be asked?"
    ),
    (
        "The error of one size and one seed: draw the samples, ask the rule for a bandwidth, pool at the test points, "
        "compare with the true curve there. The rest is two loops around it."
    ),
    (
        "For the verdict average each curve over its seeds first. The slope is that of a line through log n and log "
        "error, and equal steps will do for log n, if you know how far apart they are."
    ),
)

KEYS = {"fixed_has_floor", "shrinking_improves", "slope"}
CURVE = "the curve"
RULES = {"0.4": lambda _: 0.4, "1": lambda _: 1.0, "x.mean() / 4": lambda x: x.mean().item() / 4}
SIZES = st.permutations([3, 5, 8])
SEEDS = st.lists(st.integers(0, 1000), min_size=2, max_size=2, unique=True)


def measure(student, sizes, of_seeds, rule):
    """An error curve of the right shape."""
    return assert_shape(student.error_curve(sizes, of_seeds, rule), (len(sizes), len(of_seeds)), what=CURVE)


def error(n, seed, rule):
    """One entry, by the formula."""
    x, y = noisy_samples(n, generator=torch.Generator().manual_seed(seed))
    queries = test_points()
    kernels = (-(((queries[:, None] - x) / rule(x)) ** 2) / 2).softmax(1)
    return (kernels @ y - true_curve(queries)).square().mean().item()


def judge(student, curve_fixed, curve_shrinking):
    """A verdict with the right keys, on copies of the curves."""
    found = student.verdict(curve_fixed.clone(), curve_shrinking.clone())
    assert_that(isinstance(found, dict) and set(found) == KEYS, f"verdict returns no dictionary of {sorted(KEYS)}")
    return found


def assert_says(student, key, curves, *, wanted):
    """The verdict says True or False, as a bool, of these curves."""
    found = judge(student, *curves)[key]
    assert_that(isinstance(found, bool), f"{key} is not a bool but a {type(found).__name__}")
    assert_that(found == wanted, f"{key} is {found}, wanted {wanted}")


def curve(means, seed=1):
    """A curve with these means over three seeds, and rows that scatter differently."""
    means = torch.tensor(means, dtype=torch.float64)[:, None]
    scatter = normal((len(means), 3), seed, dtype=torch.float64).sigmoid()
    return means * scatter / scatter.mean(1, keepdim=True)


def level(means):
    """A curve that is the same for every seed, so that its means are exact."""
    return torch.tensor(means, dtype=torch.float64)[:, None].repeat(1, 4)


@worth(1, gate=True, examples=3, hint="error_curve returns a tensor with a row for each size, verdict a dictionary.")
@given(sizes=SIZES, pair=SEEDS)
def curve_and_verdict_have_their_form(student, sizes, pair):
    """`error_curve` returns a tensor (sizes, seeds) and `verdict` a dictionary; both depend on their arguments."""
    some, others = (sizes, pair), ([n + 1 for n in sizes], [seed + 2000 for seed in pair])
    assert_responds(lambda lists: measure(student, *lists, RULES["1"]), some, others, what=CURVE)
    falling = curve([4.0, 3.0, 2.0]), curve([8.0, 3.0, 1.0])
    assert_responds(lambda curves: judge(student, *curves), falling, falling[::-1], what="the verdict")


@worth(1, examples=10, hint="Return a function that has the number in it.")
@given(h=st.sampled_from([0.3, 1.0, 2.5]), n=st.integers(1, 6), seed=seeds())
def fixed_rule_says_its_number(student, h, n, seed):
    """`fixed(h)` is a function that returns `h`, whatever the samples are."""
    rule = student.fixed(h)
    student.fixed(h + 1)
    assert_that(callable(rule), "fixed does not return a function")
    assert_number(rule(normal((n,), seed)), h, atol=1e-6, what="the bandwidth")


@worth(2, examples=20, hint="Work through the example: the deviation of x, and the number of samples to the -1/5.")
@given(c=st.sampled_from([0.9, 0.5, 2.0]), n=st.integers(2, 50), scale=st.sampled_from([1.0, 3.0]), seed=seeds())
def shrinking_rule_follows_deviation_and_number(student, c, n, scale, seed):
    """`shrinking(c)` is a function that returns `c` times the deviation of `x` times `n**(-1/5)`."""
    x = normal((n,), seed, scale=scale) + 1
    mean = math.fsum(x.tolist()) / n
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in x.tolist()) / (n - 1))
    rule = student.shrinking(c)
    student.shrinking(c + 1)
    assert_that(callable(rule), "shrinking does not return a function")
    assert_number(rule(x), c * deviation * n ** (-1 / 5), atol=1e-5, what="the bandwidth")


@worth(3, examples=10, hint="Which points are the queries, and which values are they compared with?")
@given(sizes=SIZES, pair=SEEDS, rule=st.sampled_from(["1", "0.4"]))
def entries_are_mean_squared_errors_against_the_curve(student, sizes, pair, rule):
    """Each entry is the mean squared error of kernel pooling at the test points against the curve without noise."""
    wanted = [[error(n, seed, RULES[rule]) for seed in pair] for n in sizes]
    found = measure(student, sizes, pair, RULES[rule])
    assert_close(found, torch.tensor(wanted), rtol=1e-4, atol=1e-5, what=CURVE, dtype=False)


@worth(1, examples=10, hint="Ask the rule again for each size and each seed: the samples are others.")
@given(sizes=SIZES, pair=SEEDS)
def rule_is_asked_about_the_samples_of_each_entry(student, sizes, pair):
    """Where the bandwidth depends on `x`, it is that of the samples of the entry."""
    rule = RULES["x.mean() / 4"]
    wanted = [[error(n, seed, rule) for seed in pair] for n in sizes]
    found = measure(student, sizes, pair, rule)
    assert_close(found, torch.tensor(wanted), rtol=1e-4, atol=1e-5, what=CURVE, dtype=False)


@worth(1.5, examples=10, hint="Each entry has a generator of its own, seeded with the seed of its column.")
@given(sizes=SIZES, pair=SEEDS)
def entries_do_not_depend_on_each_other(student, sizes, pair):
    """With the lists reversed the curve is reversed, and an entry measured alone is the same."""
    found = measure(student, sizes, pair, RULES["1"])
    backwards = measure(student, sizes[::-1], pair[::-1], RULES["1"])
    assert_equal(backwards, found.flip(0, 1), what="the curve of the reversed lists")
    assert_equal(measure(student, sizes[1:2], pair[1:], RULES["1"]), found[1:2, 1:], what="the curve of one entry")


@worth(2, examples=20, hint="Average, take the logarithm, fit a line. How far apart are log n and log 2n?")
@given(power=st.sampled_from([-0.8, -0.5, 0.3, -1.0]), rows=st.integers(2, 6), scale=st.sampled_from([1.0, 5.0]))
def slope_of_a_power_law_is_its_exponent(student, power, rows, scale):
    """If the mean of the shrinking error is proportional to a power of `n`, the slope is the exponent."""
    law = curve([scale * (50 * 2**i) ** power for i in range(rows)])
    found = judge(student, curve([1.0 + i for i in range(rows)]), law)["slope"]
    assert_number(found, power, atol=1e-5, what="slope")


@worth(1, examples=20, hint="Every row counts, not only the ends.")
@given(seed=seeds(), rows=st.integers(3, 6))
def slope_is_that_of_least_squares(student, seed, rows):
    """If the means follow no law, the slope is that of the line with the least squares through their logarithms."""
    logs = normal((rows,), seed, dtype=torch.float64)
    sizes = math.log(2) * torch.arange(rows, dtype=torch.float64)
    line = torch.stack([sizes, torch.ones_like(sizes)], 1)
    wanted = torch.linalg.lstsq(line, logs[:, None]).solution[0].item()
    found = judge(student, curve([1.0] * rows), curve(logs.exp().tolist()))["slope"]
    assert_number(found, wanted, atol=1e-5, what="slope")


@worth(1, hint="Compare the mean of the last row with that of the first.")
def floor_is_found_where_there_is_one(student):
    """`fixed_has_floor` is True when the mean error falls by less than a quarter, otherwise False."""
    falling = curve([1.0, 0.5, 0.1])
    assert_says(student, "fixed_has_floor", (level([4.0, 3.0]), falling), wanted=False)  # by a quarter is not by less
    for means in ([0.4, 0.38, 0.37], [2.0, 1.4, 1.6], [1.0, 0.9, 1.1], [3.0, 2.4]):
        assert_says(student, "fixed_has_floor", (curve(means), falling), wanted=True)
    for means in ([0.4, 0.35, 0.28], [1.0, 0.9, 0.1], [3.0, 2.1]):
        assert_says(student, "fixed_has_floor", (curve(means), falling), wanted=False)


@worth(1, hint="Two things must hold: each row below the one before, and the last far below the first.")
def improvement_is_found_where_there_is_one(student):
    """`shrinking_improves` is True when the mean error falls with every row, and to a quarter or less."""
    flat = curve([1.0, 1.0, 1.0])
    for means in ([0.4, 0.2, 0.09], [4.0, 0.9, 0.8], [1.0, 0.2]):
        assert_says(student, "shrinking_improves", (flat, curve(means)), wanted=True)
    for means in ([0.4, 0.2, 0.11], [1.0, 0.1, 0.2], [1.0, 1.1, 0.2], [1.0, 0.9, 0.8], [0.1, 1.0]):
        assert_says(student, "shrinking_improves", (flat, curve(means)), wanted=False)
    assert_says(student, "shrinking_improves", (flat, level([4.0, 2.0, 1.0])), wanted=True)  # to a quarter, not below
    assert_says(student, "shrinking_improves", (flat, level([4.0, 1.0, 1.0])), wanted=False)


@worth(1, examples=5, group="robust", hint="A method that ends in _ changes its tensor, and so does `-=`.")
@given(seed=seeds())
def curves_are_left_alone(student, seed):
    """After `verdict` both curves are what they were, and the slope is right."""
    curves = curve([1.0, 0.9, 0.8], seed), curve([4.0, 2.0, 1.0], seed + 1)
    before = [each.clone() for each in curves]
    slope = student.verdict(*curves)["slope"]
    assert_unchanged(curves[0], before[0], what="curve_fixed")
    assert_unchanged(curves[1], before[1], what="curve_shrinking")
    assert_number(slope, -1.0, atol=1e-5, what="slope")
