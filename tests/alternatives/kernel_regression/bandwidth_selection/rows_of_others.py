"""Rows of the other samples, (n, n - 1), for the whole grid in one softmax."""

import torch


def loo_errors(x, y, grid):
    n = len(x)
    columns = torch.arange(n - 1).expand(n, n - 1)
    others = columns + (columns >= torch.arange(n)[:, None])
    distances = (x[:, None] - x[others]) / grid[:, None, None]
    weights = torch.softmax(-0.5 * distances**2, dim=-1)
    return ((weights * y[others]).sum(-1) - y).square().mean(-1)


def loo_error(x, y, bandwidth):
    return loo_errors(x, y, torch.tensor([bandwidth], dtype=x.dtype))[0].item()


def select_bandwidth(x, y, grid):
    errors = loo_errors(x.detach(), y.detach(), grid.to(x.dtype))
    return max(width for width, error in zip(grid.tolist(), errors.tolist(), strict=True) if error == errors.min())
