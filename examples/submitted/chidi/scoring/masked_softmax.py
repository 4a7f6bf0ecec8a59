"""A mistake: the mask is applied after the softmax, so rows no longer sum to 1."""

import torch


def masked_softmax(X, valid_lens=None):
    weights = torch.softmax(X, dim=-1)
    if valid_lens is None:
        return weights
    valid = torch.arange(X.shape[-1]) < valid_lens.reshape(X.shape[0], -1, 1)
    return torch.where(valid, weights, torch.zeros(()))
