"""One product of matrices per query; the others are gathered by number."""

import torch
from torch import nn


class NWKernelRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.full((1,), 0.5))

    def forward(self, queries, keys, values):
        repeated = queries.repeat_interleave(keys.size(1)).reshape(-1, keys.size(1))
        self.attention_weights = nn.functional.softmax(-0.5 * torch.square(self.w * (keys - repeated)), dim=-1)
        return torch.bmm(self.attention_weights.unsqueeze(1), values.unsqueeze(-1)).reshape(-1)


def leave_one_out(x, y):
    places = torch.arange(len(x) - 1).repeat(len(x), 1)
    places += places >= torch.arange(len(x))[:, None]
    return x[places], y[places]


def fit(model, x, y, *, steps, lr):
    optimizer = torch.optim.Adam([model.w], lr)
    history = torch.empty(steps)
    keys, values = leave_one_out(x, y)
    for step in range(steps):
        model.zero_grad()
        loss = ((model(x, keys, values) - y) ** 2).sum() / len(y)
        loss.backward()
        history[step] = loss.detach()
        optimizer.step()
    return history.tolist()
