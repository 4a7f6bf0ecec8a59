"""The weights are rebuilt from a list of numbers."""

import torch


def weighted_average(weights, values):
    plain = torch.tensor(weights.tolist(), dtype=weights.dtype)
    rows = plain.unsqueeze(1)
    if values.ndim == 2:
        return rows.bmm(values.unsqueeze(2))[:, 0, 0]
    return rows.bmm(values)[:, 0]
