"""The heads lie side by side in the batch; taken apart again, each is a picture that a few averages can describe.

The stored weights are those before dropout, so it makes no difference in which mode the module is asked.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor


def head_attention_maps(
    mha: MultiHeadAttention,
    queries: Float[Tensor, "batch queries query_size"],
    keys: Float[Tensor, "batch keys key_size"],
    values: Float[Tensor, "batch keys value_size"],
    valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
) -> Float[Tensor, "batch heads queries keys"]:
    """The attention weights of every head, without their graph, on the CPU."""
    with torch.no_grad():
        mha(queries, keys, values, valid_lens)
    weights = mha.attention.attention_weights.detach().cpu()  # (batch * heads, queries, keys)
    return weights.reshape(len(queries), -1, *weights.shape[1:])  # (batch, heads, queries, keys)


def describe_heads(maps: Float[Tensor, "batch heads queries keys"]) -> dict[str, Float[Tensor, " heads"]]:
    """Per head, averaged over examples and queries: entropy in nats, weight on the diagonal, distance looked."""
    query, key = (torch.arange(count, device=maps.device) for count in maps.shape[2:])
    distances = (query[:, None] - key).abs()  # (queries, keys)
    return {
        "entropy": torch.special.entr(maps).sum(-1).mean((0, 2)),
        "diagonality": maps.diagonal(dim1=2, dim2=3).mean((0, 2)),
        "distance": (maps * distances).sum(-1).mean((0, 2)),
    }
