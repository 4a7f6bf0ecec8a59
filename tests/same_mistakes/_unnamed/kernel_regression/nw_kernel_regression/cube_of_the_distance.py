"""The third power of the distance."""

import torch
from torch import nn


class NWKernelRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(1))

    def forward(self, queries, keys, values):
        away = ((queries[:, None] - keys) * self.w).abs()
        self.attention_weights = torch.softmax(-(away**3) / 2, dim=1)
        return (self.attention_weights * values).sum(1)


def leave_one_out(x, y):
    n = len(x)
    rows = [[j for j in range(n) if j != i] for i in range(n)]
    return x[rows], y[rows]


def fit(model, x, y, *, steps, lr):
    keys, values = leave_one_out(x, y)
    adam, losses = torch.optim.Adam(model.parameters(), lr), []
    for _ in range(steps):
        adam.zero_grad()
        loss = nn.functional.mse_loss(model(x, keys, values), y)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses
