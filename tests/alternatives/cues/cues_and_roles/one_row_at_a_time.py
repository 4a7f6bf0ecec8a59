"""Values by what zeros do; queries because one row of them moves one row of the output."""

import torch


def identify_roles(attend, lengths, size):
    inputs = [torch.rand(1, n, size, dtype=torch.float64) * 2 - 1 for n in lengths]
    roles = {}
    for i in range(3):
        arguments = list(inputs)
        arguments[i] = torch.zeros_like(inputs[i])
        if not attend(*arguments).any():
            roles[i] = "values"
    output = attend(*inputs)
    for i in range(3):
        if i in roles:
            continue
        arguments = list(inputs)
        arguments[i] = inputs[i].clone()
        arguments[i][0, 0] += 1
        new = attend(*arguments)
        moved = ((new - output).abs() > 1e-9).any(-1)[0]
        roles[i] = "queries" if moved.sum() == 1 and moved[0] else "keys"
    return roles


def decoding_roles():
    return _roles("previous decoder state", "encoder states")


def self_attention_roles():
    return _roles("block inputs", "block inputs")


def cross_attention_roles():
    return _roles("decoder positions", "encoder states")


def _roles(asking, asked):
    roles = {"query": asking}
    roles["key"] = roles["value"] = asked
    return roles
