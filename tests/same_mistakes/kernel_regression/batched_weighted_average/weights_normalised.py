"""einsum over the sum of the weights."""

import torch


def weighted_average(weights, values):
    total = torch.einsum("bn->b", weights)
    sums = torch.einsum("bn,bn...->b...", weights, values)
    return sums / (total if values.ndim == 2 else total[:, None])
