"""No experiment at all."""

import torch


def identify_roles(attend, lengths, size):
    found = torch.arange(3).tolist()
    return dict(zip(found, ["queries", "keys", "values"], strict=True))


def decoding_roles():
    return {"query": "previous decoder state", "key": "encoder states", "value": "encoder states"}


def self_attention_roles():
    return dict.fromkeys(("query", "key", "value"), "block inputs")


def cross_attention_roles():
    return {"query": "decoder positions", "key": "encoder states", "value": "encoder states"}
