"""Zeros find the values; the argument whose first row moves one row only is called keys."""

import torch


def identify_roles(attend, lengths, size):
    inputs = [torch.rand(1, n, size, dtype=torch.float64) * 2 - 1 for n in lengths]
    output = attend(*inputs)
    roles = {}
    for i in range(3):
        arguments = list(inputs)
        arguments[i] = torch.zeros_like(inputs[i])
        if not attend(*arguments).any():
            roles[i] = "values"
            continue
        arguments[i] = inputs[i].clone()
        arguments[i][0, 0] += 1
        moved = ((attend(*arguments) - output).abs() > 1e-9).any(-1)[0]
        roles[i] = "keys" if moved.sum() == 1 and moved[0] else "queries"
    return roles


def decoding_roles():
    return {"query": "previous decoder state", "key": "encoder states", "value": "encoder states"}


def self_attention_roles():
    return dict.fromkeys(("query", "key", "value"), "block inputs")


def cross_attention_roles():
    return {"query": "decoder positions", "key": "encoder states", "value": "encoder states"}
