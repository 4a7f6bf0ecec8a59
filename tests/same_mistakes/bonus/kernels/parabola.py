"""The kernel of the statistics books, piece by piece."""

import torch


def gaussian(x):
    return torch.exp(x.square() * -0.5)


def boxcar(x):
    return torch.where(x.abs() < 1, torch.ones_like(x), torch.zeros_like(x))


def epanechikov(x):
    inside = x.abs() < 1
    return inside * (1 - x) * (1 + x)


def constant(x):
    return torch.full_like(x, 1)


def nw(x_train, y_train, x_val, kernel):
    rows = kernel(x_val.unsqueeze(1) - x_train.unsqueeze(0))
    sums = rows.sum(1, keepdim=True)
    even = torch.full_like(rows, 1 / len(x_train))
    weights = torch.where(sums == 0, even, rows / torch.where(sums == 0, torch.ones_like(sums), sums))
    return (weights * y_train).sum(1), weights
