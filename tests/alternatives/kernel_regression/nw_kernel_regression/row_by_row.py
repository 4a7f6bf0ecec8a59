"""Lists of rows: everything is done for one query at a time, and kernels are divided by their sum."""

import torch


class NWKernelRegression(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_parameter("w", torch.nn.Parameter(torch.empty(1).uniform_(0.1, 0.9)))

    def forward(self, queries, keys, values):
        weights = []
        for query, row in zip(queries, keys, strict=True):
            logs = -(self.w**2) * (query - row) ** 2 / 2
            kernels = (logs - logs.max()).exp()
            weights.append(kernels / kernels.sum())
        self.attention_weights = torch.stack(weights)
        return torch.stack([torch.dot(w, v) for w, v in zip(weights, values, strict=True)])


def without(samples, i):
    return torch.cat([samples[:i], samples[i + 1 :]])


def leave_one_out(x, y):
    return tuple(torch.stack([without(samples, i) for i in range(len(samples))]) for samples in (x, y))


def fit(model, x, y, *, steps, lr):
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    keys, values = leave_one_out(x, y)
    for _ in range(steps):
        error = torch.nn.functional.mse_loss(model(x, keys, values), y, reduction="mean")
        (model.w.grad,) = torch.autograd.grad(error, [model.w])
        adam.step()
        losses.append(float(error))
    return losses
