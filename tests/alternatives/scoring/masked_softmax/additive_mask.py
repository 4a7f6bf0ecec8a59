"""Copy the scores, add a mask of 0 and minus infinity to the rows that have keys, and multiply the others by 0."""

from __future__ import annotations

import torch


def masked_softmax(X, valid_lens=None):
    """A mask in the way of the transformer literature: something to add to the scores."""
    if valid_lens is None:
        return torch.softmax(X, -1)
    lengths = valid_lens.view(-1, 1, 1) if valid_lens.dim() == 1 else valid_lens.unsqueeze(-1)
    bias = torch.zeros(X.shape, dtype=X.dtype, device=X.device)
    bias = bias.masked_fill(torch.arange(X.shape[-1], device=X.device) >= lengths.clamp(min=1), -torch.inf)
    return torch.softmax(X + bias, -1) * (lengths > 0)
