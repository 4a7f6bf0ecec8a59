"""Plain sums, one query at a time, with the largest score subtracted by hand."""

import torch


def average_pooling(y_train, num_queries):
    mean = sum(y_train) / len(y_train)
    return torch.stack([mean for _ in range(num_queries)])


def nw_pooling(queries, keys, values, bandwidth=1.0):
    rows = []
    for query in queries:
        scores = -0.5 * torch.square((keys - query) / bandwidth)
        kernels = torch.exp(scores - torch.amax(scores))
        rows.append(kernels / kernels.sum())
    weights = torch.stack(rows)
    estimates = [sum(weight * value for weight, value in zip(row, values, strict=True)) for row in rows]
    return torch.stack(estimates), weights
