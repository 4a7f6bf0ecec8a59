"""Values transposed, weights as a column, and the two shapes told apart by the number of axes."""

import torch


def weighted_average(weights, values):
    column = weights[:, :, None]
    if values.dim() == 2:
        return torch.matmul(values[:, None, :], column)[:, 0, 0]
    return torch.matmul(values.transpose(1, 2), column)[:, :, 0]
