"""The module itself draws the maps; logarithms of safe weights only."""

import math

import torch
from kernel_regression.nw_kernel_regression import NWKernelRegression


def effective_bandwidth(w):
    value = abs(w.item())
    return math.inf if value == 0 else 1.0 / value


def row_entropy(weights):
    safe = torch.where(weights > 0, weights, 1)
    return torch.einsum("qk,qk->q", weights, -safe.log())


@torch.no_grad()
def sharpness_curve(queries, keys, ws):
    rows = keys.repeat(len(queries), 1)
    means = torch.empty(len(ws))
    for i, w in enumerate(ws):
        model = NWKernelRegression()
        model.w.fill_(w.item())
        model(queries, rows, rows)
        means[i] = row_entropy(model.attention_weights).mean()
    return means
