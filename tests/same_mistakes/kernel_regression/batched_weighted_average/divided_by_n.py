"""`mean` of the products, where their sum was wanted."""

import torch


def weighted_average(weights, values):
    if values.dim() == 2:
        return torch.mul(weights, values).mean(dim=1)
    return torch.mul(weights.unsqueeze(2), values).mean(dim=1)
