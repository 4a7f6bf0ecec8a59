"""An outer product of two masks: a position past the length neither asks nor answers."""

import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return X.softmax(2)
    if valid_lens.dim() == 1:
        queries = (torch.arange(X.shape[1]) < valid_lens[:, None])[:, :, None]
        keys = (torch.arange(X.shape[2]) < valid_lens[:, None])[:, None, :]
        allowed = queries & keys
    else:
        allowed = torch.arange(X.shape[2]) < valid_lens[:, :, None]
    some = allowed.any(2, keepdim=True)
    scores = torch.where(allowed | ~some, X, torch.full_like(X, -torch.inf))
    return scores.softmax(2) * (allowed & some)
