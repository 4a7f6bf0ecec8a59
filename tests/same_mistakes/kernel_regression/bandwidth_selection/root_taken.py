"""The length of the vector of errors, over the root of their number."""

import math

import torch
from kernel_regression.average_and_kernel_pooling import nw_pooling


def errors(x, y, width):
    x, y = x.detach(), y.detach()
    found = []
    for i in range(len(x)):
        keep = torch.arange(len(x)) != i
        found.append(nw_pooling(x[i : i + 1], x[keep], y[keep], width)[0][0] - y[i])
    return torch.stack(found)


def loo_error(x, y, bandwidth):
    missed = errors(x, y, bandwidth)
    return float(torch.linalg.vector_norm(missed)) / math.sqrt(len(missed))


def select_bandwidth(x, y, grid):
    tried = [(float(errors(x, y, width).square().mean()), -width) for width in grid.tolist()]
    return -min(tried)[1]
