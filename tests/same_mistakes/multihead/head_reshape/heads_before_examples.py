"""Chunks of features, stacked head by head; the way back is written out."""

import torch


def transpose_qkv(X, num_heads):
    batch, _positions, features = X.shape
    if features % num_heads:
        raise ValueError("every head needs as many features as the others")
    size = features // num_heads
    rows = [X[b, :, h * size : (h + 1) * size] for h in range(num_heads) for b in range(batch)]
    return torch.stack(rows)


def transpose_output(X, num_heads):
    if X.shape[0] % num_heads:
        raise ValueError("every example needs as many rows as there are heads")
    examples = X.split(num_heads)
    return torch.stack([torch.cat(list(heads), dim=-1) for heads in examples])
