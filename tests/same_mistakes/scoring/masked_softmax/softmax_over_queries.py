"""The book's way, a million below zero on the flattened rows, but the wrong axis in the last line."""

import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return torch.nn.functional.softmax(X, dim=1)
    shape = X.shape
    lengths = torch.repeat_interleave(valid_lens, shape[1]) if valid_lens.dim() == 1 else valid_lens.reshape(-1)
    flat = X.reshape(-1, shape[-1]).clone()
    beyond = torch.arange(shape[-1])[None, :] >= lengths[:, None]
    flat[beyond] = -1e6
    return torch.nn.functional.softmax(flat.reshape(shape).permute(0, 2, 1), dim=2).permute(0, 2, 1)
