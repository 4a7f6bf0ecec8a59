"""Rows are compared as wholes, by the sum of what differs in them."""

import torch


def compare_scorers(additive, dot, queries, keys, values, valid_lens=None):
    with torch.no_grad():
        additive(queries, keys, values, valid_lens)
        dot(queries, keys, values, valid_lens)
    one, two = additive.attention_weights.detach(), dot.attention_weights.detach()
    counts = torch.full(one.shape[:2], one.shape[2])
    if valid_lens is not None:
        counts = valid_lens[:, None].expand(counts.shape) if valid_lens.dim() == 1 else valid_lens
    ranking, largest, far_from_even = [], 0.0, 0.0
    for first, second, count in zip(one.flatten(0, 1), two.flatten(0, 1), counts.flatten().tolist(), strict=True):
        a, b = first[:count], second[:count]
        largest = max(largest, torch.linalg.vector_norm(a - b, ord=1).item())
        if len(a):
            far_from_even = max(far_from_even, (torch.cat([a, b]) - 1 / len(a)).abs().max().item())
        ranking.append(a.argsort().tolist() == b.argsort().tolist())
    return {
        "max_weight_gap": largest,
        "both_uniform": far_from_even <= 1e-6,
        "same_ranking": torch.tensor(ranking).reshape(one.shape[:2]),
    }


def keys_that_agree(m, d):
    return torch.arange(1.0, d + 1).repeat(m, 1)


def keys_that_disagree(additive, dot, queries, m):
    return torch.stack([queries[0, 0] * 1e6 * (i + 1) for i in range(m)]).unsqueeze(0)
