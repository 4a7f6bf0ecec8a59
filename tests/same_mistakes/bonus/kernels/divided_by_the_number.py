"""A mean of the kernel times the values, one query after the other."""

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
    weights = kernel(torch.stack([place - x_train for place in x_val])) / x_train.numel()
    return torch.einsum("qs,s->q", weights, y_train), weights
