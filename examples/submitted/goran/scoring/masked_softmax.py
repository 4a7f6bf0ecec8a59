"""A syntax error."""

import torch


def masked_softmax(X, valid_lens=None)
    return torch.softmax(X, dim=-1)
