"""Rows are dealt out to heads first; the description goes row by row."""

import torch
from multihead.multi_head_attention import MultiHeadAttention

__all__ = ["MultiHeadAttention", "describe_heads", "head_attention_maps"]


@torch.no_grad()
def head_attention_maps(mha, queries, keys, values, valid_lens=None):
    mha(queries, keys, values, valid_lens)
    rows = mha.attention.attention_weights
    batch = queries.shape[0]
    return torch.stack([rows[b::batch] for b in range(batch)])


def describe_heads(maps):
    _, _, queries, keys = maps.shape
    far = torch.tensor([[float(abs(q - k)) for k in range(keys)] for q in range(queries)])
    near = torch.eye(queries, keys).sum() / min(queries, keys)
    return {
        "entropy": -torch.einsum("bhqk,bhqk->h", maps, maps.clamp_min(1e-30).log()) / (len(maps) * queries),
        "diagonality": near * maps.diagonal(dim1=-2, dim2=-1).mean(-1).mean(0),
        "distance": torch.einsum("bhqk,qk->h", maps, far) / (len(maps) * queries),
    }
