"""A loop over the queries; kernels by `where`, and a gap found by its sum."""

import torch


def gaussian(x):
    return torch.exp(-0.5 * x * x)


def boxcar(x):
    return torch.where((x > -1) & (x < 1), torch.ones_like(x), torch.zeros_like(x))


def epanechikov(x):
    return torch.maximum(1 - torch.abs(x), torch.zeros_like(x))


def constant(x):
    return 1.0 + 0 * x


def nw(x_train, y_train, x_val, kernel):
    rows = []
    for x in x_val:
        k = kernel(x_train - x)
        total = k.sum()
        rows.append(k / total if total > 0 else torch.full_like(x_train, 1 / len(x_train)))
    weights = torch.stack(rows)
    return (weights * y_train).sum(dim=1), weights
