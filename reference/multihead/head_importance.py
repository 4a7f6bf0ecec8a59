"""A head speaks only through its columns of `W_o`: zeros there silence it, and without them it need not exist.

So importance compares two losses that differ in `W_o` alone, and pruning keeps some rows of the other matrices.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor, nn
from torch.func import functional_call


@torch.no_grad()
def head_importance(
    mha: MultiHeadAttention,
    loss_fn: Callable[[Tensor], Tensor],
    batch: tuple[Tensor, Tensor, Tensor, Tensor | None],
) -> Float[Tensor, " heads"]:
    """How much the loss grows, in evaluation mode, when the output of each head in turn is set to zero."""

    def loss(W_o: Tensor) -> Tensor:
        return loss_fn(functional_call(mha, {"W_o.weight": W_o}, batch))

    W_o = mha.W_o.weight
    silenced = torch.eye(mha.num_heads, dtype=torch.bool, device=W_o.device)  # (heads, heads)
    columns = silenced.repeat_interleave(mha.W_o.in_features // mha.num_heads, dim=1)  # (heads, heads * head_size)
    training = mha.training
    mha.eval()
    try:
        return torch.stack([loss(W_o.masked_fill(column, 0)) for column in columns]) - loss(W_o)
    finally:
        mha.train(training)


def prune_heads(mha: MultiHeadAttention, keep: list[int]) -> MultiHeadAttention:
    """A layer with the heads in `keep` only, and with the output of the full one when its other heads are silent."""
    bias = mha.W_o.bias is not None
    features = torch.arange(mha.W_q.out_features).reshape(mha.num_heads, -1)  # (heads, head_size)
    kept: Int[Tensor, " features"] = features[keep].flatten()
    sizes = mha.W_k.in_features, mha.W_q.in_features, mha.W_v.in_features
    pruned = MultiHeadAttention(*sizes, len(kept), len(keep), mha.attention.dropout.p, bias)
    pruned.W_o = nn.Linear(len(kept), mha.W_o.out_features, bias)
    state = mha.state_dict()
    rows = {name: value[kept] for name, value in state.items() if not name.startswith("W_o")}
    pruned.to(mha.W_o.weight).load_state_dict(state | rows | {"W_o.weight": state["W_o.weight"][:, kept]})
    return pruned.train(mha.training)
