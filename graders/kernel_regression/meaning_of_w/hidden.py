"""The experiment: what training does to the sharpness of the map."""

from __future__ import annotations

from functools import cache

import torch
from given.noisy_curve import noisy_samples, test_points
from kernel_regression.nw_kernel_regression import NWKernelRegression, fit

from headcheck.compare import assert_shape, assert_that
from headcheck.properties import worth

SEEDS = range(3)
SAMPLES, STEPS, LEARNING_RATE = 50, 200, 0.2
FALL = 0.5


@worth(
    2,
    hint="A larger w makes a smaller bandwidth and a sharper map. Which of yours goes the other way?",
)
def training_sharpens_the_map(student):
    """After training on 50 noisy samples the mean entropy is at least 0.5 nat below that of `w = 1`.

    Measured on these three: `w` is 3.4 to 4.2 and the fall 1.17 to 1.28 (on six 0.93 to 1.44). With the entropy of the
    mean row it is at most 0.08, with one width for all 0, and with `w` taken for a bandwidth the entropy rises.
    """
    for seed in SEEDS:
        w = torch.tensor([fitted(seed)])
        keys, _ = samples(seed)
        curve = student.sharpness_curve(test_points(), keys, torch.cat([torch.ones(1), w]))
        before, after = assert_shape(curve, (2,), what="sharpness_curve").tolist()
        assert_that(
            before - after >= FALL, f"with w = {w.item():.2f} the mean entropy is {after:.2f}, with 1 {before:.2f}"
        )
        width = student.effective_bandwidth(w)
        assert_that(0.1 <= width <= 1, f"with w = {w.item():.2f} the effective bandwidth is {width}")


def samples(seed):
    """The noisy curve of that seed."""
    return noisy_samples(SAMPLES, generator=torch.Generator().manual_seed(seed))


@cache
def fitted(seed):
    """The `w` that the reference learns on the noisy curve of that seed."""
    model = NWKernelRegression()
    model.load_state_dict({"w": torch.tensor([0.5])})
    fit(model, *samples(seed), steps=STEPS, lr=LEARNING_RATE)
    return model.w.item()
