"""Squares by `pow`, halved, over the bandwidth; normalised by logsumexp."""

import torch


def average_pooling(y_train, num_queries):
    return y_train.mean().expand(num_queries)


def nw_pooling(queries, keys, values, bandwidth=1.0):
    scores = torch.pow(queries.unsqueeze(1) - keys.unsqueeze(0), 2) * (-0.5 / bandwidth)
    weights = torch.exp(scores - torch.logsumexp(scores, dim=1, keepdim=True))
    return weights.matmul(values), weights
