"""Every token with every token, one pair after the other."""

import torch
from given.blocks import AttentionBlock, random_tokens


def token_similarity(X):
    positions = X.shape[1]
    found = []
    for i in range(positions):
        for j in range(positions):
            found.append(torch.cosine_similarity(X[:, i], X[:, j], dim=-1))
    return float(torch.stack(found).mean())


def similarity_by_depth(depth, *, residual, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    X = random_tokens(generator)
    blocks = [AttentionBlock(generator) for _ in range(depth)]
    similarities = []
    with torch.no_grad():
        for block in blocks:
            X = torch.add(block(X), X, alpha=1.0 if residual else 0.0)
            similarities.append(token_similarity(X))
    return similarities
