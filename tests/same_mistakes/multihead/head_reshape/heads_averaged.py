"""An einsum that forgets to keep the heads."""

import torch


def transpose_qkv(X, num_heads):
    if X.shape[-1] % num_heads != 0:
        raise ValueError(f"{num_heads} heads cannot share {X.shape[-1]} features")
    return torch.cat([torch.stack(example.chunk(num_heads, dim=-1)) for example in X])


def transpose_output(X, num_heads):
    rows = X.shape[0]
    if rows % num_heads != 0:
        raise ValueError(f"{rows} rows are not {num_heads} for every example")
    heads = X.reshape(rows // num_heads, num_heads, X.shape[1], X.shape[2])
    return torch.einsum("bhpd->bpd", heads) / num_heads
