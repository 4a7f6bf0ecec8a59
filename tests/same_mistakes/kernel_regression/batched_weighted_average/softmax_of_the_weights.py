"""exp, sum, quotient: a softmax by hand."""

import torch


def weighted_average(weights, values):
    powers = torch.exp(weights - weights.max(1, keepdim=True).values)
    shares = powers / powers.sum(1, keepdim=True)
    if values.ndim == 2:
        return (shares * values).sum(1)
    return torch.matmul(shares[:, None], values)[:, 0]
