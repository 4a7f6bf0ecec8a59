"""A product of matrices with the values counted from the back."""

import torch


def weighted_average(weights, values):
    n = weights.shape[1]
    backwards = values[:, list(range(n - 1, -1, -1))]
    return torch.einsum("bn,bn...->b...", weights, backwards)
