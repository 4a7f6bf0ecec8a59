"""Ways to get local and linear attention wrong, or right at the old price."""

import math

import torch
from torch import nn
from transformer.efficient_attention import linear_attention as _linear
from transformer.efficient_attention import local_attention as _local

from headcheck.properties import misconception


def _phi(x):
    return nn.functional.elu(x) + 1


def _scores(queries, keys):
    return queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[-1])


def _apart(n):
    """Place of the key minus place of the query."""
    return torch.arange(n) - torch.arange(n)[:, None]


def _seen(queries, keys, values, seen):
    return _scores(queries, keys).masked_fill(~seen, -torch.inf).softmax(-1) @ values


def _at(queries, keys, values, offsets):
    """Attention to the tokens at these offsets, at a linear cost."""
    places = torch.arange(queries.shape[1])[:, None] + offsets
    index = places.clamp(0, queries.shape[1] - 1)
    scores = (queries[:, :, None] * keys[:, index]).sum(-1) / math.sqrt(queries.shape[-1])
    weights = scores.masked_fill(index != places, -torch.inf).softmax(-1)
    return (weights[..., None] * values[:, index]).sum(2)


@misconception(of="local_attention")
def full_matrix_with_a_band_cut_out(queries, keys, values, window):
    """Your numbers are right, but you compute all pairs and throw most of them away. Which scores does a token need?"""
    return _seen(queries, keys, values, _apart(queries.shape[1]).abs() <= window)


@misconception(of="local_attention")
def padding_gets_weight(queries, keys, values, window):
    """Near the ends you count neighbours that do not exist, with score 0. Who is there to get that weight?"""
    n, window = queries.shape[1], min(window, queries.shape[1] - 1)
    keys, values = (
        nn.functional.pad(x, (0, 0, window, window)).unfold(1, 2 * window + 1, 1).transpose(2, 3)
        for x in (keys, values)
    )
    scores = (queries[:, :, None] * keys).sum(-1) / math.sqrt(queries.shape[-1])
    return (scores.softmax(-1)[..., None] * values).sum(2).reshape(len(values), n, -1)


@misconception(of="local_attention")
def the_ends_repeat(queries, keys, values, window):
    """Near the ends you count the outermost token several times. How often does it exist?"""
    n, window = queries.shape[1], min(window, queries.shape[1] - 1)
    index = (torch.arange(n)[:, None] + torch.arange(-window, window + 1)).clamp(0, n - 1)
    scores = (queries[:, :, None] * keys[:, index]).sum(-1) / math.sqrt(queries.shape[-1])
    return (scores.softmax(-1)[..., None] * values[:, index]).sum(2)


@misconception(of="local_attention")
def the_ends_meet(queries, keys, values, window):
    """Your window wraps around, so the first token sees the last. Is the sequence a circle?"""
    n, window = queries.shape[1], min(window, queries.shape[1] - 1)
    index = (torch.arange(n)[:, None] + torch.arange(-window, window + 1)) % n
    scores = (queries[:, :, None] * keys[:, index]).sum(-1) / math.sqrt(queries.shape[-1])
    return (scores.softmax(-1)[..., None] * values[:, index]).sum(2)


@misconception(of="local_attention")
def separate_chunks(queries, keys, values, window):
    """You cut the sequence into blocks that do not see each other. Who is the neighbour of a block's last token?"""
    block = torch.arange(queries.shape[1]) // (window + 1)
    return _seen(queries, keys, values, block == block[:, None])


@misconception(of="local_attention")
def looks_back_only(queries, keys, values, window):
    """Your tokens see their left neighbours only. What does |i - j| say about the right?"""
    return _at(queries, keys, values, torch.arange(-min(window, queries.shape[1]), 1))


@misconception(of="local_attention")
def looks_ahead_only(queries, keys, values, window):
    """Your tokens see their right neighbours only. What does |i - j| say about the left?"""
    return _at(queries, keys, values, torch.arange(min(window, queries.shape[1]) + 1))


@misconception(of="local_attention")
def window_too_narrow(queries, keys, values, window):
    """A token exactly `window` away is not seen. Is the bound part of the window?"""
    return _local(queries, keys, values, max(window - 1, 0))


@misconception(of="local_attention")
def window_too_wide(queries, keys, values, window):
    """You see one token too many on each side. How far is the farthest?"""
    return _local(queries, keys, values, window + 1)


@misconception(of="local_attention")
def window_is_the_whole_width(queries, keys, values, window):
    """You split the window between the two sides. How far may a token look on each?"""
    return _local(queries, keys, values, window // 2)


@misconception(of="local_attention")
def not_renormalised(queries, keys, values, window):
    """You apply the softmax to all keys and then drop those far away. What do the rest sum to?"""
    weights = _scores(queries, keys).softmax(-1) * (_apart(queries.shape[1]).abs() <= window)
    return weights @ values


@misconception(of="local_attention")
def far_scores_zeroed(queries, keys, values, window):
    """You set far scores to 0, and the exponential of 0 is 1. Which score has weight 0?"""
    return (_scores(queries, keys) * (_apart(queries.shape[1]).abs() <= window)).softmax(-1) @ values


@misconception(of="local_attention")
def unscaled(queries, keys, values, window):
    """You do not divide the scores by the root of the width. What is their variance?"""
    return _local(queries * math.sqrt(queries.shape[-1]), keys, values, window)


@misconception(of="local_attention")
def averages_the_neighbours(queries, keys, values, window):
    """All neighbours get the same weight. Who asks, and for what?"""
    return _local(torch.zeros_like(queries), keys, values, window)


@misconception(of="local_attention")
def window_ignored(queries, keys, values, window):
    """You look at everything. What is the window for?"""
    return _local(queries, keys, values, queries.shape[1])


@misconception(of="local_attention")
def window_must_fit(queries, keys, values, window):
    """You fail, or see nothing, when the window is larger than the sequence. What is there to be seen then?"""
    if window >= queries.shape[1]:
        return torch.zeros_like(queries[..., :1] * values[..., :1, :])
    return _local(queries, keys, values, window)


@misconception(of="local_attention")
def scores_detached(queries, keys, values, window):
    """You cut the weights off the graph, so queries and keys learn nothing. How do gradients reach them?"""
    return _local(queries.detach(), keys.detach(), values, window)


@misconception(of="local_attention")
def computed_in_float32(queries, keys, values, window):
    """You compute in float32 whatever comes in. Which dtype should go out?"""
    return _local(queries.float(), keys.float(), values.float(), window)


@misconception(of="local_attention")
def first_examples_keys_for_all(queries, keys, values, window):
    """You compare with the first example's keys. Which axis is the batch?"""
    return _local(queries, keys[:1].expand_as(keys), values, window)


@misconception(of="local_attention", group="robust")
def queries_scaled_in_place(queries, keys, values, window):
    """You scale the caller's queries in place. Whose are they?"""
    output = _local(queries, keys, values, window)
    if not queries.requires_grad:
        queries /= math.sqrt(queries.shape[-1])
    return output


def _by_features(Q, K, values, causal):
    """Linear attention, at a linear cost, from the features of queries and keys."""
    if not causal:
        return Q @ (K.mT @ values) / (Q @ K.sum(1)[..., None])
    memory = (K[..., None] * values[:, :, None]).cumsum(1)
    return torch.einsum("bnd,bndv->bnv", Q, memory) / (Q * K.cumsum(1)).sum(-1, keepdim=True)


def _pairs(queries, keys, values, causal, *, phi=_phi, axis=-1):
    products = phi(queries) @ phi(keys).transpose(1, 2)
    products = products.tril() if causal else products
    return products / products.sum(axis, keepdim=True) @ values


@misconception(of="linear_attention")
def all_pairs_first(queries, keys, values, causal=False):
    """Your numbers are right, but you make an n by m matrix on the way. Which product could come first?"""
    return _pairs(queries, keys, values, causal)


@misconception(of="linear_attention")
def all_pairs_when_causal(queries, keys, values, causal=False):
    """Your causal form makes an n by n matrix and cuts it. What can be carried along from token to token?"""
    return _pairs(queries, keys, values, causal) if causal else _linear(queries, keys, values)


@misconception(of="linear_attention")
def no_normaliser(queries, keys, values, causal=False):
    """You do not divide by the sum of the weights. Is it an average then?"""
    ones = torch.ones_like(values[..., :1])
    total = _phi(queries) @ (_phi(keys).transpose(1, 2) @ ones)
    running = (_phi(queries) * _phi(keys).cumsum(1)).sum(-1, keepdim=True) if causal else total
    return _linear(queries, keys, values, causal) * running


@misconception(of="linear_attention")
def divided_by_the_number_of_keys(queries, keys, values, causal=False):
    """You divide by the number of keys. What do this query's weights sum to?"""
    return no_normaliser(queries, keys, values, causal) / keys.shape[1]


@misconception(of="linear_attention")
def elu_without_one(queries, keys, values, causal=False):
    """Your features may be negative, and so may the weights. What makes elu positive?"""
    return _by_features(nn.functional.elu(queries), nn.functional.elu(keys), values, causal)


@misconception(of="linear_attention")
def relu_features(queries, keys, values, causal=False):
    """You use relu, and a query whose features are all 0 divides 0 by 0. Which function is positive everywhere?"""
    return _by_features(torch.relu(queries), torch.relu(keys), values, causal)


@misconception(of="linear_attention")
def exponential_features(queries, keys, values, causal=False):
    """You use an exponential for phi. Which function does the task name?"""
    return _by_features(torch.exp(queries), torch.exp(keys), values, causal)


@misconception(of="linear_attention")
def softmax_features(queries, keys, values, causal=False):
    """You use a softmax over the features for phi. Which function does the task name?"""
    return _by_features(queries.softmax(-1), keys.softmax(-1), values, causal)


@misconception(of="linear_attention")
def normalised_over_queries(queries, keys, values, causal=False):
    """You divide by the sum over the queries. Among whom does one query share out its attention?"""
    return _pairs(queries, keys, values, causal, axis=1)


@misconception(of="linear_attention")
def plain_softmax_attention(queries, keys, values, causal=False):
    """You use a softmax of scores. What are the weights here?"""
    scores = queries @ keys.transpose(1, 2)
    hidden = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1) & causal
    return scores.masked_fill(hidden, -torch.inf).softmax(-1) @ values


@misconception(of="linear_attention")
def scaled_by_the_root(queries, keys, values, causal=False):
    """You divide by the root of the width before phi. Does the definition?"""
    root = math.sqrt(queries.shape[-1])
    return _linear(queries / root, keys, values, causal)


@misconception(of="linear_attention")
def features_of_keys_only(queries, keys, values, causal=False):
    """You apply phi to the keys only. Which sign may a weight have?"""
    return _by_features(queries, _phi(keys), values, causal)


@misconception(of="linear_attention")
def causal_ignored(queries, keys, values, causal=False):
    """You never look at `causal`, so tokens see their future. Which keys may query i see?"""
    return _linear(queries, keys, values)


@misconception(of="linear_attention")
def causal_normaliser_sees_all(queries, keys, values, causal=False):
    """Your causal form divides by the sum over all keys, later ones too. Which keys does the average go over?"""
    if not causal:
        return _linear(queries, keys, values)
    return no_normaliser(queries, keys, values, causal=True) / (_phi(queries) @ _phi(keys).sum(1)[..., None])


@misconception(of="linear_attention")
def causal_misses_itself(queries, keys, values, causal=False):
    """Your causal form leaves out a token's own key, except for the first. Is key i among 0 to i?"""
    if not causal:
        return _linear(queries, keys, values)
    products = (_phi(queries) @ _phi(keys).transpose(1, 2)).tril(-1)
    products[:, 0, 0] = 1
    return products / products.sum(-1, keepdim=True) @ values


@misconception(of="linear_attention")
def causal_looks_ahead_by_one(queries, keys, values, causal=False):
    """Your causal form sees one token too many. Which is the last that query i may see?"""
    if not causal:
        return _linear(queries, keys, values)
    products = (_phi(queries) @ _phi(keys).transpose(1, 2)).tril(1)
    return products / products.sum(-1, keepdim=True) @ values


@misconception(of="linear_attention")
def causal_backwards(queries, keys, values, causal=False):
    """Your running sums run from the end. Which tokens has query i already met?"""
    if not causal:
        return _linear(queries, keys, values)
    return _linear(queries.flip(1), keys.flip(1), values.flip(1), causal=True).flip(1)


@misconception(of="linear_attention")
def always_causal(queries, keys, values, causal=False):
    """You are causal also when nobody asked for it. What is the default?"""
    return _pairs(queries, keys, values, causal=True)


@misconception(of="linear_attention")
def queries_averaged(queries, keys, values, causal=False):
    """All queries get the same answer. Who is asking?"""
    return _linear(queries.mean(1, keepdim=True).expand_as(queries), keys, values, causal)


@misconception(of="linear_attention")
def memory_shared_by_the_batch(queries, keys, values, causal=False):
    """You sum keys and values over the batch too. Whose memory should a query read?"""
    if causal:
        return _linear(queries, keys, values, causal)
    Q, K = _phi(queries), _phi(keys)
    return Q @ (K.transpose(1, 2) @ values).sum(0) / (Q @ K.sum((0, 1)))[..., None]


@misconception(of="linear_attention")
def memory_returned(queries, keys, values, causal=False):
    """You return what keys and values leave behind, and no query reads it. How does a query enter?"""
    return _phi(keys).transpose(1, 2) @ values
