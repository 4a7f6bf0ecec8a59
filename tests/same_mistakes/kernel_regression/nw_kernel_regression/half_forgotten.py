"""One row at a time, and no half in the exponent."""

import torch
from torch import nn


class NWKernelRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(1))

    def forward(self, queries, keys, values):
        rows = [torch.softmax(-torch.square(self.w * (q - row)), dim=0) for q, row in zip(queries, keys, strict=True)]
        self.attention_weights = torch.stack(rows)
        return torch.einsum("nm,nm->n", self.attention_weights, values)


def leave_one_out(x, y):
    def others(z):
        return torch.stack([torch.cat([z[:i], z[i + 1 :]]) for i in range(len(z))])

    return others(x), others(y)


def fit(model, x, y, *, steps, lr):
    keys, values = leave_one_out(x, y)
    adam, losses = torch.optim.Adam(model.parameters(), lr), []
    while len(losses) < steps:
        adam.zero_grad()
        loss = (model(x, keys, values) - y).pow(2).mean()
        loss.backward()
        adam.step()
        losses.append(float(loss))
    return losses
