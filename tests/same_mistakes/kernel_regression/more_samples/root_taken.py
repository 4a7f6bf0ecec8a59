"""Root mean squared errors, over lists."""

import math
import statistics

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from kernel_regression.average_and_kernel_pooling import nw_pooling


def fixed(h):
    return lambda x: h


def shrinking(c):
    return lambda x: c * statistics.stdev(x.tolist()) / len(x) ** 0.2


def error_curve(sample_sizes, seeds, bandwidth):
    rows = []
    for n in sample_sizes:
        row = []
        for seed in seeds:
            x, y = noisy_samples(n, generator=torch.Generator().manual_seed(seed))
            missed = nw_pooling(test_points(), x, y, bandwidth(x))[0] - true_curve(test_points())
            row.append(math.sqrt(statistics.fmean(value * value for value in missed.tolist())))
        rows.append(row)
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
