"""For each query the best key of the one scorer and of the other."""

import torch


def look(scorer, queries, keys, values, valid_lens):
    with torch.no_grad():
        scorer(queries, keys, values, valid_lens)
        return scorer.attention_weights.clone()


def compare_scorers(additive, dot, queries, keys, values, valid_lens=None):
    one = look(additive, queries, keys, values, valid_lens)
    two = look(dot, queries, keys, values, valid_lens)
    even = torch.ones_like(one)
    if valid_lens is not None:
        lengths = valid_lens.reshape(len(keys), -1, 1)
        even = even * (torch.arange(keys.shape[1]) < lengths)
    even = even / even.sum(2, keepdim=True).clamp_min(1)
    gap = float(torch.dist(one, two, p=float("inf")))
    return {
        "max_weight_gap": gap,
        "both_uniform": all(bool(((weights - even).abs() <= 1e-6).all()) for weights in (one, two)),
        "same_ranking": one.max(2).indices.eq(two.max(2).indices),
    }


def keys_that_agree(m, d):
    return torch.ones(1, d).repeat(m, 1)


def keys_that_disagree(additive, dot, queries, m):
    lengths = torch.linspace(1, m, m, dtype=queries.dtype).mul(1e6)
    return torch.einsum("k,d->kd", lengths, queries[0, 0])[None]
