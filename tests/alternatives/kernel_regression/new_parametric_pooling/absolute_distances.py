"""Absolute distances with a positive rate for each feature, held in a list of parameters."""

import torch
from torch import nn


class MyPooling(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.log_rates = nn.ParameterList([nn.Parameter(torch.zeros(())) for _ in range(num_features)])

    def forward(self, queries, keys, values):
        rates = torch.stack(tuple(self.log_rates)).exp()
        distances = ((queries[:, None] - keys).abs() * rates).sum(-1)
        nearest = distances.min(-1, keepdim=True).values
        self.attention_weights = torch.softmax(nearest - distances, -1)
        return (self.attention_weights[:, None] @ values[..., None]).reshape(len(queries))
