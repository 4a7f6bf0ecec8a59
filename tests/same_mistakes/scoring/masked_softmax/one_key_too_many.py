"""Positions are compared with `<=`; rows are cut there and filled up with zeros."""

import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return torch.softmax(X, 2)
    if valid_lens.dim() == 1:
        valid_lens = valid_lens[:, None].expand(-1, X.shape[1])
    allowed = torch.arange(X.shape[2])[None, None, :] <= valid_lens[:, :, None]
    lowest = torch.full_like(X, -torch.inf)
    scores = torch.where(allowed, X, lowest)
    top = scores.amax(2, keepdim=True)
    powers = torch.exp(scores - top)
    return powers / powers.sum(2, keepdim=True)
