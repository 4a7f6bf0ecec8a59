"""An endless loop: the index of a while loop is never moved on."""

import torch


def masked_softmax(X, valid_lens=None):
    weights = torch.zeros_like(X)
    row = 0
    while row < X.shape[0]:
        weights[row] = torch.softmax(X[row], dim=-1)
    return weights
