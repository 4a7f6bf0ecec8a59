"""Valid weights picked by a boolean mask, rankings by pairs, and a search among random keys."""

import torch
from scoring.additive_attention import AdditiveAttention
from scoring.dot_product_attention import DotProductAttention


def compare_scorers(additive: AdditiveAttention, dot: DotProductAttention, queries, keys, values, valid_lens=None):
    additive(queries, keys, values, valid_lens)
    dot(queries, keys, values, valid_lens)
    shape = additive.attention_weights.shape
    if valid_lens is None:
        lengths = torch.full(shape[:2], shape[2])
    else:
        lengths = valid_lens.reshape(len(keys), -1).expand(shape[:2])
    valid = torch.arange(shape[2]) < lengths[:, :, None]
    a, b = additive.attention_weights[valid], dot.attention_weights[valid]
    wanted = (1 / lengths)[:, :, None].expand(shape)[valid]
    signs = [
        (weights[..., :, None] - weights[..., None, :]).sign()  # (batch, queries, keys, keys)
        for weights in (additive.attention_weights, dot.attention_weights)
    ]
    pairs = valid[..., :, None] & valid[..., None, :]
    return {
        "max_weight_gap": float((a - b).abs().max()),
        "both_uniform": all(torch.allclose(w.double(), wanted.double(), rtol=0, atol=1e-6) for w in (a, b)),
        "same_ranking": ((signs[0] == signs[1]) | ~pairs).flatten(2).all(2),
    }


def keys_that_agree(m, d):
    return torch.randn(1, d).expand(m, d)


def keys_that_disagree(additive, dot, queries, m):
    best, largest = None, -1.0
    for scale in (1, 3, 10, 30, 100):
        for _ in range(20):
            keys = scale * torch.randn(1, m, queries.shape[-1]).to(queries)
            gap = compare_scorers(additive, dot, queries, keys, keys)["max_weight_gap"]
            if gap > largest:
                best, largest = keys, gap
    return best
