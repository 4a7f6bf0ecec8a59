"""One row at a time: the softmax of its valid part, and zeros behind it."""

from __future__ import annotations

import torch


def masked_softmax(X, valid_lens=None):
    """Cut each row at its length, and fill it up again."""
    batch, queries, keys = X.shape
    if valid_lens is None:
        lengths = [[keys] * queries] * batch
    elif valid_lens.dim() == 1:
        lengths = [[length] * queries for length in valid_lens.tolist()]
    else:
        lengths = valid_lens.tolist()
    rows = []
    for b in range(batch):
        for q in range(queries):
            valid = X[b, q, : lengths[b][q]].softmax(0)
            rows.append(torch.cat([valid, X.new_zeros(keys - len(valid))]))
    return torch.stack(rows).reshape(X.shape)
