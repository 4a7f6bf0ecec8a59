"""Product and norms in a single call; a mask of its own."""

import torch
from torch import nn


class DistanceAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.drop = nn.Dropout(p=dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        norms = torch.linalg.vector_norm(keys, dim=-1).pow(2).unsqueeze(1)
        scores = torch.baddbmm(norms.expand(-1, queries.shape[1], -1), queries, keys.mT, beta=-0.5)
        if valid_lens is not None:
            lengths = valid_lens[:, None, None] if valid_lens.ndim == 1 else valid_lens[..., None]
            padded = torch.arange(keys.shape[1], device=keys.device) >= lengths
            scores = scores.masked_fill(padded, torch.finfo(scores.dtype).min)
            weights = scores.softmax(-1).masked_fill(padded, 0.0)
        else:
            weights = scores.softmax(-1)
        self.attention_weights = weights
        return self.drop(weights).bmm(values)
