"""Let empty rows become NaN and replace it: `torch.where` stops the gradient that would be NaN."""

from __future__ import annotations

import torch
from torch import nn


def masked_softmax(X, valid_lens=None):
    """Minus infinity in the padding, wherever it came from."""
    if valid_lens is None:
        return nn.functional.softmax(X, dim=2)
    if valid_lens.ndim == 1:
        valid_lens = valid_lens.unsqueeze(1).repeat(1, X.size(1))
    mask = torch.arange(X.size(2), device=X.device)[None, None, :] < valid_lens[:, :, None]
    X = torch.where(mask, X, torch.tensor(float("-inf"), dtype=X.dtype, device=X.device))
    return torch.nan_to_num(nn.functional.softmax(X, dim=2), nan=0.0)
