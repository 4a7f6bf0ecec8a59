"""Python numbers throughout, with tensors only where samples are drawn and pooled."""

import math
import statistics

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from kernel_regression.average_and_kernel_pooling import nw_pooling


def fixed(h):
    def rule(_x):
        return h

    return rule


def shrinking(c):
    def rule(x):
        return c * statistics.stdev(x.tolist()) * math.exp(-math.log(len(x)) / 5)

    return rule


def error(x, y, h):
    guesses, truths = nw_pooling(test_points(), x, y, h)[0].tolist(), true_curve(test_points()).tolist()
    return statistics.fmean((guess - truth) ** 2 for guess, truth in zip(guesses, truths, strict=True))


def error_curve(sample_sizes, seeds, bandwidth):
    rows = []
    for n in sample_sizes:
        samples = [noisy_samples(n, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        rows.append([error(x, y, bandwidth(x)) for x, y in samples])
    return torch.tensor(rows)


def verdict(curve_fixed, curve_shrinking):
    flat = [statistics.fmean(row) for row in curve_fixed.tolist()]
    falling = [statistics.fmean(row) for row in curve_shrinking.tolist()]
    log_n = [math.log(2**i) for i in range(len(falling))]
    return {
        "fixed_has_floor": flat[-1] > flat[0] * 3 / 4,
        "shrinking_improves": sorted(set(falling), reverse=True) == falling and 4 * falling[-1] <= falling[0],
        "slope": statistics.linear_regression(log_n, [math.log(mean) for mean in falling]).slope,
    }
