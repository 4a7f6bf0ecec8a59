"""Differently right: the softmax written out, with the sum taken over the valid keys."""

import torch


def masked_softmax(X, valid_lens=None):
    batch, _, keys = X.shape
    if valid_lens is None:
        valid = torch.ones_like(X, dtype=torch.bool)
    else:
        valid = (torch.arange(keys, device=X.device) < valid_lens.view(batch, -1, 1)).expand_as(X)
    peak = X.masked_fill(~valid, float("-inf")).amax(-1, keepdim=True)
    peak = peak.masked_fill(peak == float("-inf"), 0.0)
    raised = torch.exp((X - peak).masked_fill(~valid, float("-inf")))
    total = raised.sum(-1, keepdim=True)
    return raised / total.masked_fill(total == 0, 1.0)
