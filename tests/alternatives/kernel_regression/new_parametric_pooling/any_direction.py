"""A learned linear map into the space in which Euclidean distance counts; cdist in that space."""

import torch
from torch import nn


class MyPooling(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.embed = nn.Linear(num_features, num_features, bias=False)
        nn.init.eye_(self.embed.weight)

    def forward(self, queries, keys, values):
        distances = self.embed(queries.unsqueeze(1)) - self.embed(keys)
        self.attention_weights = nn.functional.softmax(-torch.einsum("qkf,qkf->qk", distances, distances), dim=1)
        return torch.bmm(self.attention_weights.unsqueeze(1), values.unsqueeze(-1))[:, 0, 0]
