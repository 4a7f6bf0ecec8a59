"""All rows in one list, and the list of lengths behind itself as often as there are queries."""

import torch


def masked_softmax(X, valid_lens=None):
    rows = X.reshape(-1, X.shape[-1])
    if valid_lens is None:
        lengths = torch.full((len(rows),), X.shape[-1])
    elif valid_lens.dim() == 1:
        lengths = torch.cat([valid_lens] * X.shape[1])
    else:
        lengths = valid_lens.flatten()
    weights = torch.zeros_like(rows)
    pieces = []
    for row, length, empty in zip(rows, lengths.tolist(), weights, strict=True):
        pieces.append(torch.cat([row[:length].softmax(0), empty[length:]]))
    return torch.stack(pieces).reshape(X.shape)
