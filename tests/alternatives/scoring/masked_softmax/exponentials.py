"""The definition: exponentials of the valid scores, each divided by their sum."""

from __future__ import annotations

import torch


def masked_softmax(X, valid_lens=None):
    """Subtract the largest valid score, so that no exponential overflows."""
    batch, queries, keys = X.shape
    if valid_lens is None:
        valid_lens = torch.full((batch,), keys, device=X.device)
    if valid_lens.dim() == 1:
        valid_lens = valid_lens.repeat_interleave(queries)
    valid = torch.arange(keys, device=X.device).expand(batch * queries, keys) < valid_lens.reshape(-1, 1)
    valid = valid.reshape(batch, queries, keys)
    X = torch.where(valid, X, torch.finfo(X.dtype).min)
    shares = torch.exp(X - X.max(dim=-1, keepdim=True).values.detach()) * valid
    return shares / shares.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(X.dtype).tiny)
