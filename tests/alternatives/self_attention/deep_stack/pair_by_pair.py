"""A loop over the pairs; the whole stack is built before anything runs through it."""

from itertools import combinations

import torch
from given.blocks import AttentionBlock, random_tokens
from torch.nn.functional import cosine_similarity


def token_similarity(X):
    pairs = list(combinations(range(X.shape[1]), 2))
    total = sum(cosine_similarity(X[:, i], X[:, j], dim=-1).mean() for i, j in pairs)
    return float(total) / len(pairs)


def similarity_by_depth(depth, *, residual, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    states = [random_tokens(generator)]
    stack = torch.nn.ModuleList(AttentionBlock(generator) for _ in range(depth)).requires_grad_(False)
    for block in stack:
        states.append(block(states[-1]) + (states[-1] if residual else 0))
    return [token_similarity(state) for state in states[1:]]
