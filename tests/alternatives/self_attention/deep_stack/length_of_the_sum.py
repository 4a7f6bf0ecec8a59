"""The cosines of all pairs are in the squared length of the sum of all directions; the stack is a hand-over."""

import torch
from given.blocks import AttentionBlock, random_tokens


def token_similarity(X):
    n = X.shape[1]
    lengths = torch.linalg.vector_norm(X, dim=2, keepdim=True)
    directions = torch.where(lengths > 0, X / lengths, 0.0).double()
    with_themselves = directions.square().sum(dim=(1, 2))
    everything = directions.sum(dim=1).square().sum(dim=1)
    return torch.mean((everything - with_themselves) / (n * (n - 1))).item()


def similarity_by_depth(depth, *, residual, seed):
    generator = torch.Generator().manual_seed(seed)

    def climb(X, left):
        if left == 0:
            return []
        seen = AttentionBlock(generator)(X).detach()
        X = torch.add(X, seen) if residual else seen
        return [token_similarity(X), *climb(X, left - 1)]

    return climb(random_tokens(generator), depth)
