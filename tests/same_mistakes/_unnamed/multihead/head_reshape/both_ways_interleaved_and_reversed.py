"""Heads take every n-th feature, and the last head comes first."""

import torch


def transpose_qkv(X, num_heads):
    if X.shape[-1] % num_heads != 0:
        raise ValueError(f"{num_heads} heads cannot share {X.shape[-1]} features")
    return torch.stack([X[..., h::num_heads] for h in reversed(range(num_heads))], dim=1).flatten(0, 1)


def transpose_output(X, num_heads):
    if X.shape[0] % num_heads != 0:
        raise ValueError(f"{X.shape[0]} rows are not {num_heads} for every example")
    return torch.stack([torch.cat(list(heads), dim=-1) for heads in X.split(num_heads)])
