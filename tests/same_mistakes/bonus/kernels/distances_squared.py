"""Squares first, because only the size of a distance counts."""

import torch


def gaussian(x):
    return torch.exp(x.square() * -0.5)


def boxcar(x):
    return torch.where(x.abs() < 1, torch.ones_like(x), torch.zeros_like(x))


def epanechikov(x):
    return torch.clamp(1 - torch.abs(x), min=0)


def constant(x):
    return torch.full_like(x, 1)


def nw(x_train, y_train, x_val, kernel):
    away = torch.stack([place - x_train for place in x_val])
    rows = kernel(away * away)
    sums = rows.sum(1, keepdim=True)
    empty = sums == 0
    weights = torch.where(empty, 1 / len(x_train), rows / (sums + empty))
    return torch.einsum("qs,s->q", weights, y_train), weights
