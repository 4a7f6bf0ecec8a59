"""Heads are gated on their way into `W_o` by a hook; pruning copies rows and columns under boolean masks."""

import copy

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn

__all__ = ["MultiHeadAttention", "head_importance", "prune_heads"]


def head_importance(mha, loss_fn, batch):
    modes = {module: module.training for module in mha.modules()}
    mha.eval()
    with torch.no_grad():
        full = loss_fn(mha(*batch))
        found = []
        for head in range(mha.num_heads):
            hook = mha.W_o.register_forward_pre_hook(lambda _, args, head=head: silence(args[0], head, mha.num_heads))
            found.append(float(loss_fn(mha(*batch)) - full))
            hook.remove()
    for module, mode in modes.items():
        module.training = mode
    return torch.tensor(found)


def silence(concatenated, head, num_heads):
    heads = list(concatenated.chunk(num_heads, dim=-1))
    heads[head] = torch.zeros_like(heads[head])
    return torch.cat(heads, dim=-1)


def prune_heads(mha, keep):
    pruned = copy.deepcopy(mha)
    size = mha.W_o.in_features // mha.num_heads
    mask = torch.zeros(mha.num_heads, dtype=torch.bool)
    mask[keep] = True
    mask = mask.repeat_interleave(size)
    for layer in (pruned.W_q, pruned.W_k, pruned.W_v):
        layer.out_features = int(mask.sum())
        layer.weight = nn.Parameter(layer.weight.detach()[mask])
        if layer.bias is not None:
            layer.bias = nn.Parameter(layer.bias.detach()[mask])
    pruned.W_o.in_features = int(mask.sum())
    pruned.W_o.weight = nn.Parameter(pruned.W_o.weight.detach()[:, mask])
    pruned.num_heads = len(keep)
    return pruned
