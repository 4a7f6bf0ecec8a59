"""A running sum of differences, divided by their number."""

import torch


def both(additive, dot, *inputs):
    found = []
    for scorer in (additive, dot):
        with torch.no_grad():
            scorer(*inputs)
        found.append(scorer.attention_weights.detach())
    return found


def compare_scorers(additive, dot, queries, keys, values, valid_lens=None):
    first, second = both(additive, dot, queries, keys, values, valid_lens)
    total, uniform = 0.0, True
    alike = torch.empty(first.shape[:2], dtype=torch.bool)
    for b in range(first.shape[0]):
        for q in range(first.shape[1]):
            total += float((first[b, q] - second[b, q]).abs().sum())
            n = first.shape[2]
            if valid_lens is not None:
                n = min(n, int(valid_lens[b] if valid_lens.dim() == 1 else valid_lens[b, q]))
            one, two = first[b, q, :n], second[b, q, :n]
            if n:
                uniform = uniform and bool(max((one - 1 / n).abs().max(), (two - 1 / n).abs().max()) <= 1e-6)
            alike[b, q] = torch.equal(one.argsort(), two.argsort())
    return {"max_weight_gap": total / first.numel(), "both_uniform": uniform, "same_ranking": alike}


def keys_that_agree(m, d):
    return torch.full((m, d), 0.5)


def keys_that_disagree(additive, dot, queries, m):
    steps = torch.arange(1, m + 1, dtype=queries.dtype)
    return 1e6 * steps[None, :, None] * queries[:, 0][:, None, :]
