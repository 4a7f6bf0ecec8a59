"""The indices say it all; the ellipsis stands for the vectors' axis, or for nothing."""

import torch


def weighted_average(weights, values):
    return torch.einsum("bn,bn...->b...", weights, values)
