"""The same rest of the list for everybody."""

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
    _, *others = x.unbind()
    _, *theirs = y.unbind()
    return torch.stack(others).repeat(len(x), 1), torch.stack(theirs).repeat(len(x), 1)


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
