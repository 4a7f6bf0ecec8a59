"""Whole rows are normalised in a loop, then everything from the length on is overwritten with 0."""

import torch


def masked_softmax(X, valid_lens=None):
    batch, queries, keys = X.shape
    exponentials = torch.exp(X - X.max(dim=2, keepdim=True).values)
    weights = exponentials / exponentials.sum(dim=2, keepdim=True)
    if valid_lens is None:
        return weights
    keep = torch.ones(batch, queries, keys, dtype=torch.bool)
    for b in range(batch):
        for q in range(queries):
            keep[b, q, int(valid_lens[b] if valid_lens.dim() == 1 else valid_lens[b, q]) :] = False
    return torch.where(keep, weights, torch.zeros_like(weights))
