"""Mean and variance by hand; the wrong one of two is dropped."""

import torch
from torch import nn


class AddNorm(nn.Module):
    def __init__(self, normalized_shape, dropout):
        super().__init__()
        features = torch.Size([normalized_shape]) if isinstance(normalized_shape, int) else torch.Size(normalized_shape)
        if len(features) > 1:
            raise ValueError("only the features are normalised")
        self.ln = nn.LayerNorm(features)
        self.dropout = nn.Dropout(dropout)

    def forward(self, X, Y):
        summed = torch.add(self.dropout(X), Y)
        variance, mean = torch.var_mean(summed, dim=-1, correction=0, keepdim=True)
        return (summed - mean) / torch.sqrt(variance + self.ln.eps) * self.ln.weight + self.ln.bias
