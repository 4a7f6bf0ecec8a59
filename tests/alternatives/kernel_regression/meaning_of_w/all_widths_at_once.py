"""One tensor (widths, queries, keys), and entr for the entropy."""

import torch


def effective_bandwidth(w):
    return float(w.detach().abs().reciprocal())


def row_entropy(weights):
    return torch.special.entr(weights).sum(dim=1)


def sharpness_curve(queries, keys, ws):
    squares = (queries.unsqueeze(1) - keys.unsqueeze(0)).square()
    weights = torch.softmax(-0.5 * ws.square().view(-1, 1, 1) * squares, dim=-1)
    return row_entropy(weights.flatten(0, 1)).view(len(ws), -1).mean(dim=1)
