"""torch's normal distribution gives the densities, which are used as they are."""

import torch
from torch.distributions import Normal


def average_pooling(y_train, num_queries):
    return torch.stack([y_train.mean()] * num_queries)


def nw_pooling(queries, keys, values, bandwidth=1.0):
    bell = Normal(torch.zeros((), dtype=keys.dtype), torch.full((), float(bandwidth), dtype=keys.dtype))
    weights = bell.log_prob(queries[:, None] - keys[None, :]).exp()
    return weights @ values, weights
