"""A power of the number alone, by logarithms."""

import itertools
import math

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from kernel_regression.average_and_kernel_pooling import nw_pooling


def fixed(h):
    return lambda x: h


def shrinking(c):
    def rule(x):
        return c / math.exp(math.log(x.numel()) / 5)

    return rule


def error_curve(sample_sizes, seeds, bandwidth):
    curve = torch.zeros(len(sample_sizes), len(seeds))
    for row, n in enumerate(sample_sizes):
        for column, seed in enumerate(seeds):
            x, y = noisy_samples(n, generator=torch.Generator().manual_seed(seed))
            guesses = nw_pooling(test_points(), x, y, bandwidth(x))[0]
            curve[row, column] = torch.nn.functional.mse_loss(guesses, true_curve(test_points()))
    return curve


def verdict(curve_fixed, curve_shrinking):
    flat, falling = curve_fixed.mean(1).tolist(), curve_shrinking.mean(1).tolist()
    logs = torch.tensor(falling, dtype=torch.float64).log()
    places = torch.arange(len(falling), dtype=torch.float64) * math.log(2)
    away = places - places.mean()
    return {
        "fixed_has_floor": flat[-1] > 0.75 * flat[0],
        "shrinking_improves": all(a > b for a, b in itertools.pairwise(falling)) and falling[-1] <= falling[0] / 4,
        "slope": float((away * logs).sum() / away.square().sum()),
    }
