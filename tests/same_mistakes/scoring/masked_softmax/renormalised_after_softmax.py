"""The softmax of everything, times a mask of ones and zeros, over what is left of its sum."""

import torch
from torch.nn import functional


def masked_softmax(X, valid_lens=None):
    weights = functional.softmax(X, dim=2)
    if valid_lens is not None:
        if valid_lens.dim() == 1:
            valid_lens = valid_lens.repeat_interleave(X.size(1)).reshape(X.size(0), X.size(1))
        mask = (torch.arange(X.size(2))[None, None] < valid_lens[..., None]).to(X.dtype)
        weights = weights * mask
    total = torch.einsum("bqk->bq", weights)
    return torch.div(weights, total[:, :, None])
