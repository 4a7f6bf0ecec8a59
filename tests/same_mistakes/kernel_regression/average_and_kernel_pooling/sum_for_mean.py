"""A product with ones adds up what should be averaged."""

import torch


def average_pooling(y_train, num_queries):
    ones = torch.ones(num_queries, len(y_train), dtype=y_train.dtype)
    return ones @ y_train


def nw_pooling(queries, keys, values, bandwidth=1.0):
    away = torch.stack([(query - keys).abs() for query in queries])
    weights = torch.softmax(-((away / bandwidth) ** 2) / 2, dim=-1)
    return torch.einsum("qk,k...->q...", weights, values), weights
