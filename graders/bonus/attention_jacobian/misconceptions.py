"""Ways to get the derivative of attention wrong."""

from math import sqrt

import torch

from headcheck.properties import misconception


def _weights(query, keys):
    return (keys @ query).softmax(0)


def _covariance(weights, keys):
    centred = keys - weights @ keys
    return (weights * centred.T) @ centred


def second_moment(query, keys):
    """You sum the products of the keys, but measure them from zero. Where is the output when the query stays put?"""
    return (_weights(query, keys) * keys.T) @ keys


def plain_mean_on_both_sides(query, keys):
    """You centre the keys at their plain mean. Under which weights is the output a mean?"""
    centred = keys - keys.mean(0)
    return (_weights(query, keys) * centred.T) @ centred


def plain_mean_on_one_side(query, keys):
    """You take the plain mean for the output. Where did the mean in your derivation come from, and what were
    its weights?
    """
    weights = _weights(query, keys)
    return (weights * keys.T) @ keys - torch.outer(weights @ keys, keys.mean(0))


def keys_at_equal_weights(query, keys):
    """You give every key the same weight, so your result does not depend on the direction of the query. Which keys
    count more?
    """
    return _covariance(torch.full_like(keys[:, 0], 1 / len(keys)), keys) + 0 * query.sum()


def weights_in_the_mean_only(query, keys):
    """You use the weights for the mean, but then sum over all keys alike. How much does each key's spread count?"""
    centred = keys - _weights(query, keys) @ keys
    return centred.T @ centred / len(keys)


def divided_by_n_minus_1(query, keys):
    """You correct by n / (n - 1), as for a sample. Are the keys a sample of something, or all there is?"""
    return _covariance(_weights(query, keys), keys) * len(keys) / (len(keys) - 1)


def divided_by_n(query, keys):
    """You divide by the number of keys. What do the weights sum to already?"""
    return _covariance(_weights(query, keys), keys) / len(keys)


def scaled_scores(query, keys):
    """You divide the scores by the root of the width. Which scores does this exercise use?"""
    return _covariance((keys @ query / sqrt(len(query))).softmax(0), keys)


def derivative_scaled(query, keys):
    """You divide the derivative by the root of the width, as if the scores had been. Which scores does this exercise
    use?
    """
    return _covariance(_weights(query, keys), keys) / sqrt(len(query))


def no_softmax(query, keys):
    """You use the scores themselves as weights. What makes them positive, with a sum of 1?"""
    return _covariance(keys @ query, keys)


def weights_squared(query, keys):
    """Your weights enter twice. How often does each key's weight appear in the sum?"""
    return _covariance(_weights(query, keys) ** 2, keys)


def root_of_the_weights(query, keys):
    """You put the root of the weights into one factor only. What is the product of both factors?"""
    weights = _weights(query, keys)
    centred = keys - weights @ keys
    return (weights.sqrt() * centred.T) @ centred


def independent_features(query, keys):
    """You keep the variances and lose everything beside the diagonal. What happens to one feature when the query
    changes in another?
    """
    return _covariance(_weights(query, keys), keys).diag().diag()


def sign_turned(query, keys):
    """You subtract the wrong way round. Does the output move with the query, or against it?"""
    return -_covariance(_weights(query, keys), keys)


def correlation(query, keys):
    """You divide by the spread of each feature. Is the derivative free of the keys' scale?"""
    covariance = _covariance(_weights(query, keys), keys)
    spread = covariance.diag().clamp_min(1e-12).sqrt()
    return covariance / torch.outer(spread, spread)


def softmax_of_one_score_alone(query, keys):
    """You differentiate each weight by its own score only. Which other scores does a weight depend on?"""
    weights = _weights(query, keys)
    return (weights * (1 - weights) * keys.T) @ keys


def mean_taken_off_twice(query, keys):
    """You subtract the mean's part twice. Multiply the brackets out: how many terms are left?"""
    weights = _weights(query, keys)
    mean = weights @ keys
    return _covariance(weights, keys) - torch.outer(mean, mean)


def features_weighted(query, keys):
    """You multiply the weights along the features instead of the keys. Which axis of `keys` has n entries?"""
    weights = _weights(query, keys)
    centred = keys - weights @ keys
    return (centred * weights).T @ centred


def softmax_over_the_features(query, keys):
    """You normalise over the features. Over what does attention distribute its weight?"""
    weights = (keys * query).softmax(1).sum(1) / len(keys)
    return _covariance(weights, keys)


def differences_between_keys(query, keys):
    """You compare keys between each other with equal weights, not with their mean. What share does each pair have?"""
    weights = _weights(query, keys)
    pairs = keys[:, None] - keys
    return torch.einsum("i,ijd,ije->de", weights, pairs, pairs) / len(keys) / 2


def weights_cut_from_the_graph(query, keys):
    """You detached the weights, so a second derivative misses a part. Do they depend on the query?"""
    return _covariance(_weights(query, keys).detach(), keys)


def autograd_without_a_graph(query, keys):
    """You let autograd do it, and its answer has no derivative of its own. What does the closed form look like?"""
    return torch.autograd.functional.jacobian(lambda q: (keys @ q).softmax(0) @ keys, query)


def small_differences(query, keys):
    """You moved the query by a small step and divided. How many digits does that leave, and what would none cost?"""
    steps = 1e-4 * torch.eye(len(query), dtype=keys.dtype)
    moved = [(keys @ (query + step)).softmax(0) @ keys for step in steps]
    return (torch.stack(moved, 1) - (_weights(query, keys) @ keys)[:, None]) / 1e-4


def exponentials_by_hand(query, keys):
    """Your exponentials overflow when scores are large. What can be subtracted from all scores without any change?"""
    exponentials = (keys @ query).exp()
    return _covariance(exponentials / exponentials.sum(), keys)


def made_in_float32(query, keys):
    """You work in float32 whatever comes in. Which dtype do the keys have?"""
    return _covariance(_weights(query, keys).float(), keys.float())


@misconception(group="robust")
def keys_centred_in_place(query, keys):
    """You subtract the mean from the caller's keys. What does the next function that uses them find?"""
    weights = _weights(query, keys)
    if keys.requires_grad:
        return _covariance(weights, keys)
    keys -= weights @ keys
    return (weights * keys.T) @ keys


@misconception(group="robust")
def centred_at_the_end(query, keys):
    """You subtract one large matrix from another that is nearly equal. How many digits of the difference are left?"""
    weights = _weights(query, keys)
    mean = weights @ keys
    return (weights * keys.T) @ keys - torch.outer(mean, mean)
