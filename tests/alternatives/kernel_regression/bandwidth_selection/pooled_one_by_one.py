"""The earlier exercise's pooling, once for each sample, with masks; the grid is sorted, and the last minimum counts."""

import torch
from kernel_regression.average_and_kernel_pooling import nw_pooling


def loo_error(x, y, bandwidth):
    x, y = x.detach(), y.detach()
    squares = []
    for i in range(len(x)):
        others = torch.ones(len(x), dtype=torch.bool)
        others[i] = False
        guess, _ = nw_pooling(x[i].reshape(1), x[others], y[others], bandwidth)
        squares.append((guess.item() - y[i].item()) ** 2)
    return sum(squares) / len(squares)


def select_bandwidth(x, y, grid):
    ordered = torch.sort(grid.detach()).values
    best, smallest = None, float("inf")
    for width in ordered.tolist():
        error = loo_error(x, y, width)
        if error <= smallest:
            best, smallest = width, error
    return best
