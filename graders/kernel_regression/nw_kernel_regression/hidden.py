"""Parity with the reference, and the width that it learns."""

from __future__ import annotations

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_measured, assert_shape, assert_that, record
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes

SEEDS = range(6)
STEPS, LR, START = 200, 0.2, 0.5


def model(module, w, dtype=torch.float32):
    """A module of the student's or of the reference, with this `w`."""
    m = module.NWKernelRegression().to(dtype)
    m.load_state_dict({"w": torch.tensor([w], dtype=dtype)}, strict=False)
    return m


@worth(1.5, examples=15, hint="Compare weights and output with the formula, for a small and for a large w.")
@given(shape=sizes(2), w=st.sampled_from([0.4, 4.0, -12.0]), seed=seeds())
def prediction_equals_the_reference(student, reference, shape, w, seed):
    """With the same `w`, small or large, output and weights are those of the reference."""
    args = [normal(size, seed + i, dtype=torch.float64) for i, size in enumerate([shape[:1], shape, shape])]
    m, r = model(student, w, torch.float64), model(reference, w, torch.float64)
    wanted = r(*args)
    assert_close(m(*args), wanted, what="output")
    assert_close(m.attention_weights, r.attention_weights, what="attention_weights")


@worth(1, examples=3, hint="One Adam for all steps, and a gradient that starts from zero in each of them.")
@given(seed=seeds(), w=st.sampled_from([0.5, 3.0]), n=st.integers(8, 20))
def first_steps_equal_the_reference(student, reference, seed, w, n):
    """Over the first 5 steps the losses and `w` are those of the reference."""
    x, y = noisy_samples(n, generator=torch.Generator().manual_seed(seed))
    m, r = model(student, w), model(reference, w)
    wanted = reference.fit(r, x, y, steps=5, lr=0.3)
    found = student.fit(m, x, y, steps=5, lr=0.3)
    assert_that(isinstance(found, list) and len(found) == 5, "fit does not return a list of 5 losses")
    assert_close(torch.tensor(found), torch.tensor(wanted), rtol=1e-3, atol=1e-4, what="the losses")
    assert_close(m.state_dict()["w"], r.state_dict()["w"], rtol=1e-3, atol=1e-4, what="w")


@worth(2, training=True, hint="Is each sample predicted from the others alone? Does w take all of the steps?")
def fitted_width_finds_the_curve(student):
    """Fitted to 50 noisy samples, `w` gives an estimate of the curve that is far better than with `w` = 1.

    The error is at most 0.15, and at most 0.4 of that with `w` = 1; `|w|` is between 2.5 and 5.95. Measured over ten
    seeds: errors 0.025 to 0.109, at most 0.293 of those with `w` = 1, `|w|` 3.08 to 5.66. With the own sample among the
    keys `|w|` is 6.25 to 8.19, for each of the seeds too large; where `lr` is ignored at most 1.97.
    """
    queries = test_points()
    for seed in SEEDS:
        x, y = noisy_samples(50, generator=torch.Generator().manual_seed(seed))
        keys, values = (part.expand(100, 50).clone() for part in (x, y))
        m = model(student, START)
        record("the loss", student.fit(m, x, y, steps=STEPS, lr=LR))
        w = assert_shape(m.state_dict().get("w"), (1,), what="w").abs().item()
        with torch.no_grad():
            both = [one(queries, keys, values) for one in (m, model(student, 1.0))]
        fitted, wide = (assert_shape(output, (100,), what="output") for output in both)
        error, of_wide = ((guess - true_curve(queries)).square().mean().item() for guess in (fitted, wide))
        assert_measured(w, at_least=2.5, at_most=5.95, what="|w| after fitting")
        assert_measured(error, at_most=0.15, what="the mean squared error")
        assert_measured(error / of_wide, at_most=0.4, what="the error, as a share of that of w = 1,")
