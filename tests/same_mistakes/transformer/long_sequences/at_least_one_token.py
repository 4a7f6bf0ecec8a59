"""The root is found by bisection, which ends at 1."""

import math

import torch
from given.cost_counter import count_cost


def scaling_report(f, lengths):
    flops, largest = [], []
    for n in lengths:
        cost = count_cost(lambda n=n: f(n))
        flops.append(cost.flops)
        largest.append(cost.largest)
    return {
        "flops": flops,
        "largest": largest,
        "exponents": {"flops": slope(lengths, flops), "largest": slope(lengths, largest)},
    }


def slope(lengths, costs):
    x = [math.log(n) for n in lengths[-3:]]
    y = [math.log(cost) for cost in costs[-3:]]
    mean_x, mean_y = sum(x) / 3, sum(y) / 3
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def max_length_for(budget_elements, heads, batch):
    low, high = 0, 1
    while batch * heads * high * high <= budget_elements:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if batch * heads * middle * middle <= budget_elements else (low, middle)
    return max(low, 1)


def chunked_attention(queries, keys, values, chunk):
    best = total = mixed = None
    for start in range(0, keys.shape[1], chunk):
        k, v = keys[:, start : start + chunk], values[:, start : start + chunk]
        scores = torch.einsum("bqd,bkd->bqk", queries, k) / math.sqrt(queries.shape[2])
        top = scores.max(dim=2, keepdim=True).values
        new = top if best is None else torch.maximum(best, top)
        weights = torch.exp(scores - new)
        if best is None:
            total, mixed = weights.sum(2, keepdim=True), weights @ v
        else:
            factor = torch.exp(best - new)
            total = total * factor + weights.sum(2, keepdim=True)
            mixed = mixed * factor + weights @ v
        best = new
    return mixed / total
