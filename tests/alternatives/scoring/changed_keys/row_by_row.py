"""Plain loops over examples and queries, eval mode switched on and off again, and a gradient that climbs the gap."""

import torch
from scoring.additive_attention import AdditiveAttention
from scoring.dot_product_attention import DotProductAttention


def read_weights(scorer, *tensors):
    was_training = scorer.training
    scorer.eval()
    with torch.no_grad():
        scorer(*tensors)
    scorer.train(was_training)
    return scorer.attention_weights


def compare_scorers(additive: AdditiveAttention, dot: DotProductAttention, queries, keys, values, valid_lens=None):
    first = read_weights(additive, queries, keys, values, valid_lens)
    second = read_weights(dot, queries, keys, values, valid_lens)
    batch, num_queries, num_keys = first.shape
    gap, uniform = 0.0, True
    ranking = torch.ones(batch, num_queries, dtype=torch.bool)
    for b in range(batch):
        for q in range(num_queries):
            n = num_keys
            if valid_lens is not None:
                n = min(n, int(valid_lens[b] if valid_lens.dim() == 1 else valid_lens[b, q]))
            one, two = first[b, q, :n].tolist(), second[b, q, :n].tolist()
            for x, y in zip(one, two, strict=True):
                gap = max(gap, abs(x - y))
                uniform = uniform and abs(x - 1 / n) <= 1e-6 and abs(y - 1 / n) <= 1e-6
            ranking[b, q] = sorted(range(n), key=one.__getitem__) == sorted(range(n), key=two.__getitem__)
    return {"max_weight_gap": gap, "both_uniform": uniform, "same_ranking": ranking}


def keys_that_agree(m, d):
    return torch.stack([torch.linspace(-1, 1, d)] * m)


def keys_that_disagree(additive, dot, queries, m):
    queries = queries.detach()
    best, largest = None, -1.0
    for start in range(8):
        torch.manual_seed(start)
        keys = torch.randn(1, m, queries.shape[-1], dtype=queries.dtype, requires_grad=True)
        optimizer = torch.optim.Adam([keys], lr=0.3)
        for _ in range(25):
            additive(queries, keys, keys, None)
            dot(queries, keys, keys, None)
            gap = (additive.attention_weights - dot.attention_weights).abs().max()
            if gap.item() > largest:
                best, largest = keys.detach().clone(), gap.item()
            if largest > 0.4:
                return best
            optimizer.zero_grad()
            (-gap).backward()
            optimizer.step()
    return best
