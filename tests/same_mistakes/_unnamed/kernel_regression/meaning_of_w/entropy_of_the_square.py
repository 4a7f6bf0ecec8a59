"""Entropies of squared weights, which sum to less than 1."""

import math

import torch


def effective_bandwidth(w):
    size = abs(w.item())
    return math.inf if size == 0 else 1 / size


def row_entropy(weights):
    return torch.special.entr(weights * weights).sum(1)


def sharpness_curve(queries, keys, ws):
    maps = ((-(((queries[:, None] - keys) * w) ** 2) / 2).softmax(1) for w in ws)
    return torch.stack([torch.special.entr(each).sum(1).mean() for each in maps])
