"""A kernel with heavy tails."""

import torch


def average_pooling(y_train, num_queries):
    return y_train.mean().repeat(num_queries)


def nw_pooling(queries, keys, values, bandwidth=1.0):
    kernel = 1 / (1 + ((queries[:, None] - keys) / bandwidth) ** 2)
    weights = kernel / torch.sum(kernel, 1, keepdim=True)
    return weights @ values, weights
