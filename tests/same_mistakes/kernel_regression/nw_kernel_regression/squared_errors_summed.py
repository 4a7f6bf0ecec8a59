"""A product of the errors with themselves is their sum of squares."""

import torch
from torch import nn


class NWKernelRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(1))

    def forward(self, queries, keys, values):
        away = (queries[:, None] - keys) * self.w
        self.attention_weights = torch.softmax(-away * away / 2, dim=1)
        return torch.einsum("nm,nm->n", self.attention_weights, values)


def leave_one_out(x, y):
    n = len(x)
    rows = torch.arange(n * n).reshape(n, n).remainder(n)[~torch.eye(n, dtype=torch.bool)].reshape(n, -1)
    return x[rows], y[rows]


def fit(model, x, y, *, steps, lr):
    keys, values = leave_one_out(x, y)
    adam, losses = torch.optim.Adam(model.parameters(), lr), []
    for _ in range(steps):
        adam.zero_grad()
        errors = model(x, keys, values) - y
        loss = torch.dot(errors, errors)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses
