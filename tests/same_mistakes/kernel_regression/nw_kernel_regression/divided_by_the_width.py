"""`w` is taken for a width."""

import torch
from torch import nn


class NWKernelRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand((1,)))

    def forward(self, queries, keys, values):
        away = queries.unsqueeze(1).sub(keys).div(self.w)
        self.attention_weights = nn.functional.softmax(away.pow(2).mul(-0.5), dim=-1)
        return torch.bmm(self.attention_weights.unsqueeze(1), values.unsqueeze(2)).flatten()


def leave_one_out(x, y):
    n = len(x)
    rows = [torch.tensor([j for j in range(n) if j != i], dtype=torch.long) for i in range(n)]
    return torch.stack([x[row] for row in rows]), torch.stack([y[row] for row in rows])


def fit(model, x, y, *, steps, lr):
    keys, values = leave_one_out(x, y)
    adam, losses = torch.optim.Adam(model.parameters(), lr), []
    for _ in range(steps):
        adam.zero_grad()
        loss = nn.MSELoss()(model(x, keys, values), y)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses
