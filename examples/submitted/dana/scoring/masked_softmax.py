"""Right: scores of padded keys become minus infinity, and rows without any key are zeroed afterwards."""

import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return torch.softmax(X, dim=-1)
    if valid_lens.dim() == 1:
        valid_lens = valid_lens[:, None]
    valid = torch.arange(X.shape[-1], device=X.device) < valid_lens[..., None]
    weights = torch.softmax(torch.where(valid, X, torch.finfo(X.dtype).min), dim=-1)
    return weights * valid
