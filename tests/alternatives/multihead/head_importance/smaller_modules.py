"""Importance by pruning one head at a time; a pruned layer is a module of its own that loops over its heads."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from scoring.dot_product_attention import DotProductAttention
from torch import nn


class FewHeads(nn.Module):
    def __init__(self, full, keep):
        super().__init__()
        size = full.W_o.in_features // full.num_heads
        rows = torch.cat([torch.arange(head * size, (head + 1) * size) for head in keep])
        self.size = size
        self.attention = DotProductAttention(full.attention.dropout.p)
        for name in ("W_q", "W_k", "W_v"):
            setattr(self, name, linear(getattr(full, name), rows))
        self.W_o = linear(full.W_o, slice(None), rows)

    def forward(self, queries, keys, values, valid_lens=None):
        projected = self.W_q(queries), self.W_k(keys), self.W_v(values)
        heads = zip(*(X.split(self.size, dim=-1) for X in projected), strict=True)
        return self.W_o(torch.cat([self.attention(*head, valid_lens) for head in heads], dim=-1))


def linear(old, rows, columns=slice(None)):
    weight = old.weight.data[rows][:, columns]
    new = nn.Linear(*weight.T.shape, bias=old.bias is not None, dtype=weight.dtype)
    new.weight.data.copy_(weight)
    if old.bias is not None:
        new.bias.data.copy_(old.bias.data[rows])
    return new


def prune_heads(mha: MultiHeadAttention, keep):
    return FewHeads(mha, keep).train(mha.training)


def head_importance(mha, loss_fn, batch):
    heads = range(mha.num_heads)
    full = loss_fn(prune_heads(mha, list(heads)).eval()(*batch))
    found = torch.empty(mha.num_heads)
    for silent in heads:
        found[silent] = loss_fn(prune_heads(mha, [h for h in heads if h != silent]).eval()(*batch)) - full
    return found.detach()
