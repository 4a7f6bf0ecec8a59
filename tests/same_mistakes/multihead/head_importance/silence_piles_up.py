"""A hook zeroes more and more of what reaches `W_o`, because its list of silent heads is never emptied."""

import copy

import torch
from multihead.multi_head_attention import MultiHeadAttention

__all__ = ["MultiHeadAttention", "head_importance", "prune_heads"]


def head_importance(mha, loss_fn, batch):
    size, silent = mha.W_o.in_features // mha.num_heads, []

    def hush(_, args):
        mask = torch.ones(args[0].shape[-1], dtype=args[0].dtype)
        for head in silent:
            mask[head * size : (head + 1) * size] = 0
        return args[0] * mask

    training, losses = mha.training, []
    hook = mha.W_o.register_forward_pre_hook(hush)
    mha.eval()
    with torch.no_grad():
        full = loss_fn(mha(*batch))
        for head in range(mha.num_heads):
            silent.append(head)
            losses.append(loss_fn(mha(*batch)) - full)
    hook.remove()
    mha.train(training)
    return torch.stack(losses)


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
