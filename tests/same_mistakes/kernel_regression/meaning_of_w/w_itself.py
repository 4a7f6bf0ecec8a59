"""The size of `w` as a Python number; entropies by xlogy."""

import torch


def effective_bandwidth(w):
    return abs(float(w))


def row_entropy(weights):
    return torch.stack([-torch.xlogy(row, row).sum() for row in weights])


def sharpness_curve(queries, keys, ws):
    away = (queries[:, None] - keys)[None] * ws[:, None, None]
    maps = torch.softmax(-away.square() / 2, dim=2)
    return torch.special.entr(maps).sum(2).mean(1)
