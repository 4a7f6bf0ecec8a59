"""`log2`, because bits are what one counts in."""

import torch
from multihead.multi_head_attention import MultiHeadAttention

__all__ = ["MultiHeadAttention", "describe_heads", "head_attention_maps"]


def head_attention_maps(mha, queries, keys, values, valid_lens=None):
    with torch.no_grad():
        mha(queries, keys, values, valid_lens)
    return torch.stack(mha.attention.attention_weights.detach().split(mha.num_heads))


def describe_heads(maps):
    logs = torch.where(maps > 0, maps, torch.ones_like(maps)).log2()
    bits = (maps * logs).sum(dim=3).neg()
    offsets = torch.arange(maps.shape[2]).unsqueeze(1) - torch.arange(maps.shape[3])
    own = torch.diagonal(maps, dim1=2, dim2=3)
    return {
        "entropy": bits.transpose(0, 1).flatten(1).mean(1),
        "diagonality": own.transpose(0, 1).flatten(1).mean(1),
        "distance": (maps * offsets.abs()).sum(3).transpose(0, 1).flatten(1).mean(1),
    }
