"""One-hot rows of the distance, times the table."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class RelativeAttention(nn.Module):
    def __init__(self, d, clip):
        super().__init__()
        self.clip = clip
        self.offsets = nn.Embedding(2 * clip + 1, d)

    def forward(self, queries, keys, values, valid_lens=None):
        places = torch.cartesian_prod(*(torch.arange(X.shape[1], device=X.device) for X in (queries, keys)))
        away = (places[:, 0] - places[:, 1]).abs().clamp(max=self.clip).reshape(queries.shape[1], keys.shape[1])
        chosen = nn.functional.one_hot(away + self.clip, 2 * self.clip + 1).to(queries.dtype)
        content = torch.bmm(queries, keys.permute(0, 2, 1))
        position = torch.einsum("bqd,rd,qkr->bqk", queries, self.offsets.weight, chosen)
        scores = (content + position) * queries.shape[2] ** -0.5
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.attention_weights, values)
