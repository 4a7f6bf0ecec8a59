"""Parity with the reference on noisy curves, and how good the choice is on new points."""

from __future__ import annotations

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_number, assert_that
from headcheck.properties import worth
from headcheck.strategies import generators

SAMPLES = 50
SEEDS = range(20)
ENOUGH_BETTER, ENOUGH = 18, 0.12


def widths(count):
    """A grid from 0.02 to 3.2."""
    return torch.logspace(-1.7, 0.5, count)


@worth(1.5, examples=6, hint="Compute the errors of a small grid by hand, for three samples, and follow your code.")
@given(n=st.integers(10, 30), generator=generators())
def choice_equals_the_reference(student, reference, n, generator):
    """On noisy curves, the error and the chosen bandwidth are the reference's."""
    x, y = (tensor.double() for tensor in noisy_samples(n, generator=generator))
    grid = widths(8).double()
    for width in (0.05, 0.4):
        wanted = reference.loo_error(x, y, width)
        assert_number(student.loo_error(x, y, width), wanted, atol=1e-5 * (1 + wanted), what="loo_error")
    wanted = reference.select_bandwidth(x, y, grid)
    assert_number(student.select_bandwidth(x, y, grid), wanted, atol=1e-6, what="select_bandwidth")


@worth(4, hint="Plot the leave-one-out error over the grid: where is its valley, and where your choice?")
def choice_is_good_for_new_points(student):
    """On 18 of 20 noisy curves the chosen bandwidth beats a bandwidth of 1, and the mean error is at most 0.12.

    Measured: 20 of 20 and 0.071 (0.055 on 20 other curves); 0.401 at bandwidth 1. With the sample itself kept 18 and
    0.236 (0.220), by the median error 20 and 0.131 (0.114), by a rule of thumb 20 and 0.135 (0.139), by predicting one
    half from the other 5 and 0.677. Sums, roots and absolute errors choose as well: other properties see them.
    """
    errors = []
    for seed in SEEDS:
        x, y = noisy_samples(SAMPLES, generator=torch.Generator().manual_seed(seed))
        width = student.select_bandwidth(x, y, widths(15))
        assert_that(isinstance(width, float), "select_bandwidth returns no float")
        assert_that(width > 0, f"select_bandwidth returns {width:g}")
        errors.append([squared_error(x, y, width), squared_error(x, y, 1.0)])
    chosen, fixed = torch.tensor(errors).T
    better = int((chosen < fixed).sum())
    assert_that(better >= ENOUGH_BETTER, f"the choice beats a bandwidth of 1 on {better} of {len(SEEDS)} curves only")
    mean = chosen.mean().item()
    assert_that(mean <= ENOUGH, f"the mean squared error on new points is {mean:.3f}, wanted at most {ENOUGH}")


def squared_error(x, y, width):
    """The mean squared error of kernel pooling against the curve itself."""
    queries = test_points()
    weights = (-(((queries[:, None] - x) / width) ** 2) / 2).softmax(-1)
    return (weights @ y - true_curve(queries)).square().mean().item()
