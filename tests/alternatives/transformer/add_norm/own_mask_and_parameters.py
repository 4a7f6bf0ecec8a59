"""A mask from Bernoulli draws, and a norm of its own with the names of PyTorch's."""

import torch
from torch import nn


class Norm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, Z):
        return torch.layer_norm(Z, self.weight.shape, self.weight, self.bias)


class AddNorm(nn.Module):
    def __init__(self, normalized_shape, dropout):
        super().__init__()
        shape = torch.Size([normalized_shape] if isinstance(normalized_shape, int) else normalized_shape)
        if len(shape) > 1:
            raise ValueError("one number of features, please")
        self.keep = 1 - dropout
        self.ln = Norm(shape[0])

    def forward(self, X, Y):
        if self.training and self.keep < 1:
            mask = torch.rand(Y.shape, device=Y.device) < self.keep
            Y = Y.where(mask, torch.zeros_like(Y)) / max(self.keep, 1e-9)
        return self.ln(Y + X)
