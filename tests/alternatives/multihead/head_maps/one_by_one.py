"""Every example on its own in eval mode, every head described in a loop, a small constant inside the logarithm."""

import torch
from multihead.multi_head_attention import MultiHeadAttention


@torch.no_grad()
def head_attention_maps(mha: MultiHeadAttention, queries, keys, values, valid_lens=None):
    was_training = mha.training
    mha.eval()
    maps = []
    for b in range(len(queries)):
        length = None if valid_lens is None else valid_lens[b : b + 1]
        mha(queries[b : b + 1], keys[b : b + 1], values[b : b + 1], length)
        maps.append(mha.attention.attention_weights.cpu().clone())
    mha.train(was_training)
    return torch.stack(maps)


def describe_heads(maps):
    names = ("entropy", "diagonality", "distance")
    described = {name: [] for name in names}
    for head in range(maps.shape[1]):
        rows = maps[:, head].reshape(-1, maps.shape[-1])  # (batch * queries, keys)
        at = torch.arange(maps.shape[-2]).repeat(len(maps))
        described["entropy"].append(-(rows * (rows + 1e-9).log()).sum(1).mean())
        square = maps.shape[-2] == maps.shape[-1]
        described["diagonality"].append(rows[torch.arange(len(rows)), at].mean() if square else torch.tensor(torch.nan))
        away = (torch.arange(maps.shape[-1])[None, :] - at[:, None]).abs()
        described["distance"].append((rows * away).sum(1).mean())
    return {name: torch.stack(described[name]) for name in names}
