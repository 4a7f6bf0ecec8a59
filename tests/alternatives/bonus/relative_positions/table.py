"""One vector for each pair, added to the keys before the product."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class RelativeAttention(nn.Module):
    def __init__(self, d, clip):
        super().__init__()
        self.d, self.clip = d, clip
        self.offsets = nn.Embedding(2 * clip + 1, d)

    def forward(self, queries, keys, values, valid_lens=None):
        positions = [torch.arange(x.size(1), device=x.device) for x in (queries, keys)]
        offsets = torch.clip(positions[1].unsqueeze(0) - positions[0].unsqueeze(1), -self.clip, self.clip)
        shifted = keys.unsqueeze(1) + self.offsets(offsets + self.clip)
        scores = torch.einsum("bqd,bqkd->bqk", queries * self.d**-0.5, shifted)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.attention_weights, values)
