"""Each row gets zeros where it has padding, then all rows go through one softmax."""

import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return torch.softmax(X, dim=-1)
    lengths = valid_lens if valid_lens.dim() == 2 else valid_lens.unsqueeze(1).repeat(1, X.shape[1])
    rows = []
    for example, counts in zip(X, lengths.tolist(), strict=True):
        for row, count in zip(example, counts, strict=True):
            kept = row[:count]
            rows.append(torch.cat([kept, torch.zeros(len(row) - len(kept), dtype=X.dtype)]))
    return torch.softmax(torch.stack(rows), dim=-1).reshape(X.shape)
