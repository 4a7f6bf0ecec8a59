"""Two-dimensional lengths are cut to their first column; rows are masked example by example."""

import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return X.softmax(-1)
    first = valid_lens.reshape(X.shape[0], -1)[:, 0].tolist()
    examples = []
    for scores, length in zip(X, first, strict=True):
        valid = torch.softmax(scores[:, :length], dim=1)
        examples.append(torch.nn.functional.pad(valid, (0, scores.shape[1] - valid.shape[1])))
    return torch.stack(examples)
