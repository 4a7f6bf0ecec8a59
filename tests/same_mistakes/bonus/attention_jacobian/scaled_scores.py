"""Autograd's own derivative, but of scaled attention."""

import math

import torch
from torch.func import jacrev


def attention_jacobian(query, keys):
    near = keys - keys.mean(0)

    def attend(asked):
        weights = torch.softmax(near @ asked / math.sqrt(len(asked)), dim=0)
        return weights @ near

    return jacrev(attend)(query) * math.sqrt(len(query))
