"""The mean position that is looked at, minus the position that looks."""

import torch
from multihead.multi_head_attention import MultiHeadAttention

__all__ = ["MultiHeadAttention", "describe_heads", "head_attention_maps"]


def head_attention_maps(mha, queries, keys, values, valid_lens=None):
    with torch.no_grad():
        mha(queries, keys, values, valid_lens)
    rows = mha.attention.attention_weights.detach()
    return torch.stack([rows[h :: mha.num_heads] for h in range(mha.num_heads)], dim=1)


def describe_heads(maps):
    heads = {"entropy": [], "diagonality": [], "distance": []}
    key = torch.arange(maps.shape[-1], dtype=maps.dtype)
    query = torch.arange(maps.shape[-2], dtype=maps.dtype)
    for head in maps.unbind(1):
        heads["entropy"].append(-torch.xlogy(head, head).sum() / head[..., 0].numel())
        heads["diagonality"].append(torch.stack([example.diagonal().mean() for example in head]).mean())
        heads["distance"].append((head @ key - query * head.sum(-1)).mean())
    return {name: torch.stack(numbers) for name, numbers in heads.items()}
