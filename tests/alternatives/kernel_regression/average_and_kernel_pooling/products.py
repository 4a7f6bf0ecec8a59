"""The square multiplied out: its part without a key is the same for all keys, and the softmax forgets it."""

import torch


def average_pooling(y_train, num_queries):
    evenly = y_train.new_full((num_queries, y_train.numel()), 1 / y_train.numel())
    return evenly @ y_train


def nw_pooling(queries, keys, values, bandwidth=1.0):
    middle = keys.mean()
    x, k = (queries - middle) / bandwidth, (keys - middle) / bandwidth
    weights = torch.softmax(torch.outer(x, k) - k.pow(2) / 2, dim=-1)
    return torch.einsum("qk,k...->q...", weights, values), weights
