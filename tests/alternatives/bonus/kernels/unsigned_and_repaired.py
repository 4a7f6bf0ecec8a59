"""Unsigned distances from `cdist`'s broadcasting cousin; 0/0 is repaired afterwards."""

import torch


def gaussian(x):
    return torch.exp(-torch.square(x) / 2)


def boxcar(x):
    return x.abs().lt(1).type_as(x)


def epanechikov(x):
    return (1 - x.abs()).clamp(min=0)


def constant(x):
    return x.new_ones(x.shape)


def nw(x_train, y_train, x_val, kernel):
    distances = (x_train.reshape(-1, 1) - x_val.reshape(1, -1)).abs()  # (samples, queries)
    k = kernel(distances).to(y_train.dtype)
    weights = k / k.sum(dim=0)
    weights = torch.where(weights.isnan(), 1 / len(x_train), weights).T
    return torch.einsum("qn,n->q", weights, y_train), weights
