"""Head h takes features h, h + num_heads, ... by a strided slice."""

import torch


def transpose_qkv(X, num_heads):
    if X.shape[-1] % num_heads != 0:
        raise ValueError(f"{num_heads} heads cannot share {X.shape[-1]} features")
    return torch.stack([X[..., h::num_heads] for h in range(num_heads)], dim=1).reshape(
        X.shape[0] * num_heads, X.shape[1], -1
    )


def transpose_output(X, num_heads):
    rows, positions, size = X.shape
    if rows % num_heads != 0:
        raise ValueError(f"{rows} rows are not {num_heads} for every example")
    return X.reshape(-1, num_heads, positions, size).permute(0, 2, 1, 3).reshape(-1, positions, num_heads * size)
