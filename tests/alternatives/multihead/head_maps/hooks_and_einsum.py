"""A forward hook that listens in, and descriptions by einsum."""

import torch
from multihead.multi_head_attention import MultiHeadAttention


def head_attention_maps(mha: MultiHeadAttention, queries, keys, values, valid_lens=None):
    heard = []
    hook = mha.attention.register_forward_hook(lambda module, args, output: heard.append(module.attention_weights))
    try:
        mha(queries, keys, values, valid_lens)
    finally:
        hook.remove()
    rows = heard[0].detach().to("cpu", copy=True)
    examples = rows.chunk(queries.shape[0])  # (heads, queries, keys) each
    return torch.stack(examples)


def describe_heads(maps):
    batch, _, n, m = maps.shape
    positions = torch.arange(max(n, m), dtype=maps.dtype)[:, None]
    rows = batch * n
    logs = torch.where(maps > 0, maps, torch.ones_like(maps)).log()
    return {
        "distance": torch.einsum("bhqk,qk->h", maps, torch.cdist(positions[:n], positions[:m], p=1)) / rows,
        "diagonality": torch.einsum("bhqq->h", maps[..., : min(n, m), : min(n, m)]) / rows,
        "entropy": torch.einsum("bhqk,bhqk->h", maps, -logs) / rows,
    }
