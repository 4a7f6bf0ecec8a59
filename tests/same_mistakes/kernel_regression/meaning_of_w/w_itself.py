"""The size of `w` as a Python number; entropies by xlogy."""

import torch
from kernel_regression.average_and_kernel_pooling import nw_pooling


def effective_bandwidth(w):
    return abs(float(w))


def row_entropy(weights):
    return torch.stack([-torch.xlogy(row, row).sum() for row in weights])


def sharpness_curve(queries, keys, ws):
    points = []
    for w in ws:
        _, weights = nw_pooling(queries, keys, keys, bandwidth=effective_bandwidth(w))
        points.append(torch.special.entr(weights).sum(1).mean())
    return torch.stack(points)
