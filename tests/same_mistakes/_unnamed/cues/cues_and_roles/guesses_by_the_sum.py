"""Whatever makes the output's sum largest is called values, the rest in order."""

import torch


def identify_roles(attend, lengths, size):
    inputs = [torch.arange(1.0, n * size + 1).reshape(1, n, size) for n in lengths]
    sums = [attend(*(7 * x if i == j else x for j, x in enumerate(inputs))).sum() for i in range(3)]
    values = sums.index(min(sums))
    first, second = (i for i in range(3) if i != values)
    return {first: "keys", second: "queries", values: "values"}


def decoding_roles():
    return {"query": "encoder states", "key": "encoder states", "value": "encoder states"}


def self_attention_roles():
    return dict.fromkeys(("query", "key", "value"), "block inputs")


def cross_attention_roles():
    return {"query": "decoder positions", "key": "encoder states", "value": "encoder states"}
