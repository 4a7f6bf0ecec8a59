"""A tent whose top is cut off."""

import torch


def gaussian(x):
    return torch.exp(-0.5 * x * x)


def boxcar(x):
    return (x.abs() < 1).to(x)


def epanechikov(x):
    return torch.relu(1 - x.abs()).clamp(max=0.75)


def constant(x):
    return torch.ones_like(x)


def nw(x_train, y_train, x_val, kernel):
    rows = kernel(x_val[:, None] - x_train)
    rows = torch.where(rows.sum(1, keepdim=True) == 0, torch.ones_like(rows), rows)
    weights = rows / rows.sum(1, keepdim=True)
    return weights @ y_train, weights
