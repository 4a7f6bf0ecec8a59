"""Ways to get an average wrong, and a kernel."""

import torch

from headcheck.properties import misconception


def _pooled(scores, values):
    """Estimates and weights from scores `(queries, keys)`."""
    weights = scores.softmax(1)
    return weights @ values, weights


def _distances(queries, keys, bandwidth=1.0):
    """Differences in bandwidths: `(queries, keys)`."""
    return (queries[:, None] - keys) / bandwidth


def _scores(queries, keys, bandwidth=1.0):
    return -(_distances(queries, keys, bandwidth) ** 2) / 2


@misconception(of="average_pooling")
def median_for_mean(y_train, num_queries):
    """You answered with the median. Which constant has the smallest squared error?"""
    return y_train.median().repeat(num_queries)


@misconception(of="average_pooling")
def sum_for_mean(y_train, num_queries):
    """You added the values up. By what is the sum larger than the mean?"""
    return y_train.sum().repeat(num_queries)


@misconception(of="average_pooling")
def divided_by_the_queries(y_train, num_queries):
    """You divided the sum by the number of queries. How many values went into it?"""
    return (y_train.sum() / num_queries).repeat(num_queries)


@misconception(of="average_pooling")
def one_answer_for_all(y_train, num_queries):
    """You return the mean once. How many questions were asked?"""
    return y_train.mean()


@misconception(of="average_pooling")
def one_answer_per_sample(y_train, num_queries):
    """You return as many answers as there are samples. How many questions were asked?"""
    return y_train.mean().expand_as(y_train)


@misconception(of="average_pooling")
def average_always_single(y_train, num_queries):
    """Your averages are float32 whatever the values are. Which dtype does a new tensor get when nobody says so?"""
    return torch.full((num_queries,), y_train.mean().item())


@misconception(of="average_pooling", group="robust")
def values_centred_in_place(y_train, num_queries):
    """You changed the caller's values. Who else may still need them?"""
    mean = y_train.mean()
    y_train -= mean
    return mean.repeat(num_queries)


@misconception(of="nw_pooling")
def half_forgotten(queries, keys, values, bandwidth=1.0):
    """Your kernel is narrower than the Gaussian. What stands beside the square in its exponent?"""
    return _pooled(2 * _scores(queries, keys, bandwidth), values)


@misconception(of="nw_pooling")
def absolute_distance(queries, keys, values, bandwidth=1.0):
    """Your kernel has a peak like a roof. Which power of the distance does a Gaussian take?"""
    return _pooled(-_distances(queries, keys, bandwidth).abs() / 2, values)


@misconception(of="nw_pooling")
def sign_flipped(queries, keys, values, bandwidth=1.0):
    """Your weights grow with the distance. Which sample should have the largest score?"""
    return _pooled(-_scores(queries, keys, bandwidth), values)


@misconception(of="nw_pooling")
def bandwidth_multiplied(queries, keys, values, bandwidth=1.0):
    """Your kernel gets narrower as the bandwidth grows. How is a distance measured in bandwidths?"""
    return _pooled(_scores(queries, keys, 1 / bandwidth), values)


@misconception(of="nw_pooling")
def bandwidth_outside_the_square(queries, keys, values, bandwidth=1.0):
    """You divided the squared distance by the bandwidth. If x is in metres, in what unit is your score?"""
    return _pooled(_scores(queries, keys) / bandwidth, values)


@misconception(of="nw_pooling")
def bandwidth_ignored(queries, keys, values, bandwidth=1.0):
    """You never used `bandwidth`. What should a wider kernel change?"""
    return _pooled(_scores(queries, keys), values)


@misconception(of="nw_pooling")
def bandwidth_on_the_weights(queries, keys, values, bandwidth=1.0):
    """You divided the finished weights by the bandwidth, so they no longer sum to 1. What does a bandwidth scale?"""
    weights = _scores(queries, keys).softmax(1) / bandwidth
    return weights @ values, weights


@misconception(of="nw_pooling")
def other_bandwidth_by_default(queries, keys, values, bandwidth=0.5):
    """You chose a default of your own. Which bandwidth does the signature promise?"""
    return _pooled(_scores(queries, keys, bandwidth), values)


@misconception(of="nw_pooling")
def softmax_over_the_queries(queries, keys, values, bandwidth=1.0):
    """Your weights sum to 1 over the queries. Among what does one query divide its attention?"""
    weights = _scores(queries, keys, bandwidth).softmax(0)
    return weights @ values, weights


@misconception(of="nw_pooling")
def mean_for_sum(queries, keys, values, bandwidth=1.0):
    """You averaged the weighted values once more. What do the weights sum to already?"""
    estimates, weights = _pooled(_scores(queries, keys, bandwidth), values)
    return estimates / len(keys), weights


@misconception(of="nw_pooling")
def normalised_by_the_count(queries, keys, values, bandwidth=1.0):
    """You divided the kernels by the number of keys. What must you divide them by, so that they sum to 1?"""
    weights = _scores(queries, keys, bandwidth).exp() / len(keys)
    return weights @ values, weights


@misconception(of="nw_pooling")
def normalised_as_a_density(queries, keys, values, bandwidth=1.0):
    """Your kernels have an area of 1, each for itself. What has to sum to 1 here?"""
    weights = _scores(queries, keys, bandwidth).exp() / (bandwidth * (2 * torch.pi) ** 0.5)
    return weights @ values, weights


@misconception(of="nw_pooling")
def normalised_over_everything(queries, keys, values, bandwidth=1.0):
    """All your weights together sum to 1. What should those of a single query sum to?"""
    scores = _scores(queries, keys, bandwidth)
    weights = scores.flatten().softmax(0).view_as(scores)
    return weights @ values, weights


@misconception(of="nw_pooling")
def estimates_not_normalised(queries, keys, values, bandwidth=1.0):
    """Your estimates use the kernels before they were normalised. Which weights should meet the values?"""
    scores = _scores(queries, keys, bandwidth)
    return scores.exp() @ values, scores.softmax(1)


@misconception(of="nw_pooling")
def underflow_to_0_by_0(queries, keys, values, bandwidth=1.0):
    """Far from all keys your estimate is not a number. What is the sum of your exponentials there?"""
    kernels = _scores(queries, keys, bandwidth).exp()
    weights = kernels / kernels.sum(1, keepdim=True)
    return weights @ values, weights


@misconception(of="nw_pooling")
def underflow_hidden_by_an_epsilon(queries, keys, values, bandwidth=1.0):
    """Far from all keys your estimate is 0, which no sample suggests. Which value should be left there?"""
    kernels = _scores(queries, keys, bandwidth).exp()
    weights = kernels / (kernels.sum(1, keepdim=True) + 1e-30)
    return weights @ values, weights


@misconception(of="nw_pooling")
def underflow_beside_a_near_query(queries, keys, values, bandwidth=1.0):
    """You subtract one maximum for all queries, so a far query beside a near one is lost. Whose maximum is it?"""
    scores = _scores(queries, keys, bandwidth)
    kernels = (scores - scores.max()).exp()
    weights = kernels / kernels.sum(1, keepdim=True)
    return weights @ values, weights


@misconception(of="nw_pooling")
def far_keys_cut_off(queries, keys, values, bandwidth=1.0):
    """You limit the distance to three bandwidths. How does a query far from all keys find the nearest?"""
    return _pooled(-(_distances(queries, keys, bandwidth).clamp(-3, 3) ** 2) / 2, values)


@misconception(of="nw_pooling")
def only_keys_on_the_left(queries, keys, values, bandwidth=1.0):
    """Keys to the right of the query all count as near. What should the sign of a difference change?"""
    return _pooled(-(_distances(queries, keys, bandwidth).relu() ** 2) / 2, values)


@misconception(of="nw_pooling")
def products_for_distances(queries, keys, values, bandwidth=1.0):
    """You multiply query and key. What happens to a product when the origin of the axis moves?"""
    return _pooled(queries[:, None] * keys / bandwidth**2, values)


@misconception(of="nw_pooling")
def nearest_key_only(queries, keys, values, bandwidth=1.0):
    """You return the value of the nearest key. What do the others still know about the curve?"""
    weights = torch.nn.functional.one_hot(_scores(queries, keys, bandwidth).argmax(1), len(keys)).to(values.dtype)
    return weights @ values, weights


@misconception(of="nw_pooling")
def axis_standardised(queries, keys, values, bandwidth=1.0):
    """You standardised x first, so the bandwidth means another thing for every set of samples. In which unit is it?"""
    return _pooled(_scores(queries, keys, bandwidth) / (keys.var() if len(keys) > 1 else 1), values)


@misconception(of="nw_pooling")
def queries_centred(queries, keys, values, bandwidth=1.0):
    """You subtracted the mean from queries and keys, from each its own. What is left of their distance?"""
    return _pooled(_scores(queries - queries.mean(), keys - keys.mean(), bandwidth), values)


@misconception(of="nw_pooling")
def keys_sorted_without_their_values(queries, keys, values, bandwidth=1.0):
    """You sorted the keys and left the values where they were. Whose value is the first one now?"""
    return _pooled(_scores(queries, keys.sort().values, bandwidth), values)


@misconception(of="nw_pooling")
def weights_in_the_order_of_the_axis(queries, keys, values, bandwidth=1.0):
    """Your weights come in the order of the sorted keys. In which order did the caller name them?"""
    order = keys.argsort()
    return _pooled(_scores(queries, keys[order], bandwidth), values[order])


@misconception(of="nw_pooling")
def keys_averaged(queries, keys, values, bandwidth=1.0):
    """You averaged the keys. They only say where a sample lies; what is the estimate made of?"""
    return _pooled(_scores(queries, keys, bandwidth), keys)


@misconception(of="nw_pooling")
def values_cut_off(queries, keys, values, bandwidth=1.0):
    """You never answer below 0. What if the samples lie there?"""
    estimates, weights = _pooled(_scores(queries, keys, bandwidth), values)
    return estimates.relu(), weights


@misconception(of="nw_pooling")
def one_number_per_key_only(queries, keys, values, bandwidth=1.0):
    """You sum over the last axis of the values, whatever it is. Which axis of `(keys, value_size)` do you mean?"""
    weights = _scores(queries, keys, bandwidth).softmax(1)
    return (weights * values).sum(1), weights


@misconception(of="nw_pooling")
def axes_of_1_squeezed(queries, keys, values, bandwidth=1.0):
    """You squeezed away an axis that was the caller's. What happens when there is only one query?"""
    estimates, weights = _pooled(_scores(queries, keys, bandwidth), values)
    return estimates.squeeze(), weights


@misconception(of="nw_pooling")
def keys_by_queries(queries, keys, values, bandwidth=1.0):
    """Your weights are (keys, queries). Which of the two does a row belong to?"""
    estimates, weights = _pooled(_scores(queries, keys, bandwidth), values)
    return estimates, weights.T


@misconception(of="nw_pooling")
def scores_for_weights(queries, keys, values, bandwidth=1.0):
    """You return the scores, before the softmax. Can a weight be negative?"""
    scores = _scores(queries, keys, bandwidth)
    return _pooled(scores, values)[0], scores


@misconception(of="nw_pooling")
def weights_detached(queries, keys, values, bandwidth=1.0):
    """You detached the weights that you return. What if somebody wants a loss on them?"""
    estimates, weights = _pooled(_scores(queries, keys, bandwidth), values)
    return estimates, weights.detach()


@misconception(of="nw_pooling")
def keys_cut_from_the_graph(queries, keys, values, bandwidth=1.0):
    """No gradient reaches your keys. Is a key a constant?"""
    return _pooled(_scores(queries, keys.detach(), bandwidth), values)


@misconception(of="nw_pooling")
def results_always_double(queries, keys, values, bandwidth=1.0):
    """Your results are float64 whatever the arguments are. Who asked for that?"""
    return _pooled(_scores(queries.double(), keys.double(), bandwidth), values.double())


@misconception(of="nw_pooling", group="robust")
def results_never_half(queries, keys, values, bandwidth=1.0):
    """You compute in float32 and stay there. In which dtype does the caller expect the results?"""
    wide = torch.promote_types(values.dtype, torch.float32)
    return _pooled(_scores(queries.to(wide), keys.to(wide), bandwidth), values.to(wide))


@misconception(of="nw_pooling", group="robust")
def keys_scaled_in_place(queries, keys, values, bandwidth=1.0):
    """You divided the caller's own keys by the bandwidth. What does the caller find in them after the call?"""
    keys /= bandwidth
    return _pooled(_scores(queries / bandwidth, keys), values)


@misconception(of="nw_pooling")
def weights_left_out(queries, keys, values, bandwidth=1.0):
    """You returned the estimates alone. What else does the task want to see?"""
    return _pooled(_scores(queries, keys, bandwidth), values)[0]
