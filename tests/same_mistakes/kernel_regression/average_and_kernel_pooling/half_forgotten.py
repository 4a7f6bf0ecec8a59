"""Pair by pair, with e to minus the square."""

import torch


def average_pooling(y_train, num_queries):
    return torch.full((num_queries,), 1.0, dtype=y_train.dtype) * y_train.sum() / y_train.numel()


def nw_pooling(queries, keys, values, bandwidth=1.0):
    rows = [-(((query - keys) / bandwidth) ** 2) for query in queries]
    weights = torch.stack([torch.softmax(row, dim=0) for row in rows])
    return torch.einsum("qk,k...->q...", weights, values), weights
