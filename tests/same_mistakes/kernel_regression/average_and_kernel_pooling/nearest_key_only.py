"""The one sample with the smallest distance, and a one in its place."""

import torch


def average_pooling(y_train, num_queries):
    return y_train.mean().repeat(num_queries)


def nw_pooling(queries, keys, values, bandwidth=1.0):
    nearest = (queries[:, None] - keys).abs().argmin(dim=1)
    weights = torch.zeros(len(queries), len(keys), dtype=values.dtype)
    weights[torch.arange(len(queries)), nearest] = 1
    return values[nearest], weights
