"""A box of width 1."""

import torch


def gaussian(x):
    return torch.exp(x.square() * -0.5)


def boxcar(x):
    return ((x < 0.5) & (x > -0.5)).to(x)


def epanechikov(x):
    return torch.clamp(1 - torch.abs(x), min=0)


def constant(x):
    return torch.full_like(x, 1)


def nw(x_train, y_train, x_val, kernel):
    rows = kernel(x_val.unsqueeze(1) - x_train.unsqueeze(0))
    sums = rows.sum(1, keepdim=True)
    even = torch.full_like(rows, 1 / len(x_train))
    weights = torch.where(sums == 0, even, rows / torch.where(sums == 0, torch.ones_like(sums), sums))
    return (weights * y_train).sum(1), weights
