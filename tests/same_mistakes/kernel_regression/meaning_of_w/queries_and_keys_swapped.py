"""Normalised down the columns, which makes the keys ask."""

import math

import torch


def effective_bandwidth(w):
    size = abs(w.item())
    return math.inf if size == 0 else 1 / size


def row_entropy(weights):
    return torch.special.entr(weights).sum(1)


def sharpness_curve(queries, keys, ws):
    points = []
    for w in ws:
        scores = -((w * (queries[:, None] - keys[None, :])) ** 2) / 2
        points.append(torch.special.entr(scores.softmax(0)).sum(0).mean())
    return torch.stack(points)
