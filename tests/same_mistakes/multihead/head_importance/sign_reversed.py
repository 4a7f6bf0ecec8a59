"""Full loss minus what is left, with the columns of `W_o` silenced in a copy."""

import copy

import torch
from multihead.multi_head_attention import MultiHeadAttention

__all__ = ["MultiHeadAttention", "head_importance", "prune_heads"]


def head_importance(mha, loss_fn, batch):
    twin = copy.deepcopy(mha).eval()
    size = twin.W_o.in_features // twin.num_heads
    whole = twin.W_o.weight.detach().clone()
    found = []
    with torch.no_grad():
        full = float(loss_fn(twin(*batch)))
        for head in range(twin.num_heads):
            twin.W_o.weight.copy_(whole)
            twin.W_o.weight[:, head * size : (head + 1) * size] = 0
            found.append(full - float(loss_fn(twin(*batch))))
    return torch.tensor(found)


def prune_heads(mha, keep):
    pruned = copy.deepcopy(mha)
    size = mha.W_o.in_features // mha.num_heads
    features = torch.cat([torch.arange(head * size, (head + 1) * size) for head in keep])
    for layer in (pruned.W_q, pruned.W_k, pruned.W_v):
        layer.out_features = len(features)
        layer.weight = torch.nn.Parameter(layer.weight.detach()[features])
        if layer.bias is not None:
            layer.bias = torch.nn.Parameter(layer.bias.detach()[features])
    pruned.W_o.in_features = len(features)
    pruned.W_o.weight = torch.nn.Parameter(pruned.W_o.weight.detach()[:, features])
    pruned.num_heads = len(keep)
    return pruned
