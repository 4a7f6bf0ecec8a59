"""`nw_pooling` of the samples at their own places."""

import math

from kernel_regression.average_and_kernel_pooling import nw_pooling


def loo_error(x, y, bandwidth):
    estimates, _ = nw_pooling(x.detach(), x.detach(), y.detach(), bandwidth)
    return sum((a - b) ** 2 for a, b in zip(estimates.tolist(), y.tolist(), strict=True)) / len(y)


def select_bandwidth(x, y, grid):
    best, smallest = None, math.inf
    for width in sorted(grid.tolist(), reverse=True):
        error = hidden_error(x.detach(), y.detach(), width)
        if error < smallest:
            best, smallest = width, error
    return best


def hidden_error(x, y, width):
    total = 0.0
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i]
        estimate, _ = nw_pooling(x[i : i + 1], x[others], y[others], width)
        total += (estimate[0] - y[i]).item() ** 2
    return total / len(x)
