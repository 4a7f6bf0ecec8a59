"""Entropy as Gibbs has it: the logarithm of the normaliser minus the mean score."""

import torch


def effective_bandwidth(w):
    return 1 / abs(w.item()) if w.item() != 0 else float("inf")


def row_entropy(weights):
    return torch.stack([(-row[row != 0].log() * row[row != 0]).sum() for row in weights])


def sharpness_curve(queries, keys, ws):
    points = []
    for w in ws.tolist():
        scores = -(((queries[:, None] - keys[None]) * w) ** 2) / 2
        normaliser = scores.logsumexp(-1)
        entropy = normaliser - (scores.softmax(-1) * scores).sum(-1)
        points.append(entropy.mean())
    return torch.stack(points)
