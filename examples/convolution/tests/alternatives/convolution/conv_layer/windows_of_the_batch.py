"""The windows of all images at once; nothing of the exercise before is used."""

from __future__ import annotations

import torch
from torch import nn


class Conv2D(nn.Module):
    def __init__(self, kernel_size):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(kernel_size).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.tensor([0.0]))

    def forward(self, X):
        rows, columns = self.weight.shape
        windows = X.unfold(1, rows, 1).unfold(2, columns, 1)
        return (windows * self.weight).sum((-2, -1)) + self.bias
