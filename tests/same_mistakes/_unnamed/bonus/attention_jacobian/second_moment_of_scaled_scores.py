"""Two mistakes: nothing is centred, and the scores are divided."""

import torch


def attention_jacobian(query, keys):
    weights = torch.softmax(keys @ query / len(query) ** 0.5, dim=0)
    return torch.einsum("n,ni,nj->ij", weights, keys, keys)
