"""Ways to misread a width, and to measure sharpness by something else."""

import math

import torch
from kernel_regression.average_and_kernel_pooling import nw_pooling
from kernel_regression.meaning_of_w import row_entropy, sharpness_curve

from headcheck.properties import misconception


def _map(queries, keys, w):
    """The weights of the module with this `w`: (queries, keys)."""
    return (-(((queries[:, None] - keys) * w) ** 2) / 2).softmax(-1)


def _curve(queries, keys, ws, point):
    """What `point` makes of the map of each `w`."""
    return torch.stack([point(_map(queries, keys, w)) for w in ws])


@misconception(of="effective_bandwidth")
def w_itself(w):
    """You take `w` for the bandwidth. Which of them is multiplied, and which divided by?"""
    return w.abs().item()


@misconception(of="effective_bandwidth")
def one_over_the_square(w):
    """You square `w`, as one does for a variance. What is squared in the kernel: the width, or the whole quotient?"""
    return w.item() ** -2 if w else math.inf


@misconception(of="effective_bandwidth")
def one_over_the_root(w):
    """You take a root that is not there. What is squared in both kernels?"""
    return w.abs().item() ** -0.5 if w else math.inf


@misconception(of="effective_bandwidth")
def half_counted_twice(w):
    """You bring the factor 1/2 into the width. Which of the two kernels is without it?"""
    return math.sqrt(2) / w.abs().item() if w else math.inf


@misconception(of="effective_bandwidth")
def negative_bandwidth(w):
    """Your bandwidth is negative when `w` is. Can a kernel be that narrow?"""
    return 1 / w.item() if w else math.inf


@misconception(of="effective_bandwidth")
def exponential_of_w(w):
    """You let the width fall exponentially. What happens to the kernel when `w` is doubled?"""
    return math.exp(-abs(w.item())) if w else math.inf


@misconception(of="effective_bandwidth")
def bandwidth_as_a_tensor(w):
    """You return a tensor. Which method makes a number of it?"""
    return 1 / w.detach().abs()


@misconception(of="effective_bandwidth")
def bandwidth_rounded(w):
    """You round the bandwidth to a whole number. What is left of one between 0 and 1?"""
    return round(1 / w.abs().item()) if w else math.inf


@misconception(of="effective_bandwidth")
def divided_by_zero(w):
    """Python does not divide by 0, and `w` may be 0. How wide is the kernel then?"""
    return 1 / abs(float(w))


@misconception(of="effective_bandwidth", group="robust")
def never_quite_infinite(w):
    """You save yourself from a division by 0 with a small number. How wide is the kernel when `w` is 0?"""
    return 1 / (abs(float(w)) + 1e-12)


@misconception(of="effective_bandwidth", group="robust")
def sign_removed_in_place(w):
    """You make the caller's `w` positive. Whose is it?"""
    w.data.abs_()
    return 1 / w.item() if w else math.inf


@misconception(of="row_entropy")
def zero_times_log_zero(weights):
    """A weight of 0 makes your sum NaN. What is the limit of p log p?"""
    return -(weights * weights.log()).sum(-1)


@misconception(of="row_entropy")
def in_bits(weights):
    """You take logarithms to base 2. Which does the task ask for?"""
    return row_entropy(weights) / math.log(2)


@misconception(of="row_entropy")
def sign_forgotten(weights):
    """Your entropies are negative. Which sign has the logarithm of a number below 1?"""
    return -row_entropy(weights)


@misconception(of="row_entropy")
def over_the_queries(weights):
    """You sum over the queries. Whose weights sum to 1?"""
    return torch.special.entr(weights).sum(0)


@misconception(of="row_entropy")
def mean_over_the_keys(weights):
    """You divide by the number of keys. How large should the entropy of n equal weights be?"""
    return torch.special.entr(weights).mean(-1)


@misconception(of="row_entropy")
def one_number_for_all(weights):
    """You average over the queries too early. How many rows are there?"""
    return row_entropy(weights).mean()


@misconception(of="row_entropy")
def share_of_the_largest(weights):
    """You divide by the entropy of equal weights. In which unit is a nat?"""
    return row_entropy(weights) / math.log(max(weights.shape[-1], 2))


@misconception(of="row_entropy")
def number_of_keys_heard(weights):
    """You return the exponential of the entropy. Useful, but what should a single key get?"""
    return row_entropy(weights).exp()


@misconception(of="row_entropy")
def softmax_again(weights):
    """You put weights into a softmax, and they come out flatter. Did they not sum to 1 already?"""
    return row_entropy(weights.softmax(-1))


@misconception(of="row_entropy")
def largest_weight_left_over(weights):
    """You measure what the largest weight leaves to the others. Which sum does the task ask for?"""
    return 1 - weights.amax(-1)


@misconception(of="row_entropy")
def gini_impurity(weights):
    """You square the weights. Where has the logarithm gone?"""
    return 1 - weights.square().sum(-1)


@misconception(of="row_entropy")
def spread_of_the_weights(weights):
    """You take the standard deviation of the weights, 0 when they are equal. Which end of the scale is 0 here?"""
    return weights.std(-1, correction=0)


@misconception(of="row_entropy")
def logarithm_shifted(weights):
    """You take log(1 + p) to be safe from 0. What does that do to all the other weights?"""
    return -(weights * weights.log1p()).sum(-1)


@misconception(of="row_entropy")
def small_weights_clamped(weights):
    """You raise small weights to a hundredth, and they count. How small must a number be to make no difference?"""
    return -(weights * weights.clamp_min(0.01).log()).sum(-1)


@misconception(of="row_entropy")
def cut_off_the_graph(weights):
    """You leave the graph, and no gradient comes back. Which call does that?"""
    return row_entropy(weights.detach())


@misconception(of="row_entropy", group="robust")
def weights_clamped_in_place(weights):
    """You clamp the caller's weights. Whose are they?"""
    weights.data.clamp_(min=1e-30)
    return row_entropy(weights)


@misconception(of="sharpness_curve")
def summed_over_the_queries(queries, keys, ws):
    """You sum over the queries, so more questions look less sharp. Which average does the task ask for?"""
    return _curve(queries, keys, ws, lambda weights: row_entropy(weights).sum())


@misconception(of="sharpness_curve")
def median_query(queries, keys, ws):
    """You take the median query. Which average does the task ask for?"""
    return _curve(queries, keys, ws, lambda weights: row_entropy(weights).median())


@misconception(of="sharpness_curve")
def first_query_alone(queries, keys, ws):
    """You look at the first query. What of the others?"""
    return _curve(queries, keys, ws, lambda weights: row_entropy(weights)[0])


@misconception(of="sharpness_curve")
def entropy_of_the_mean_row(queries, keys, ws):
    """You average the rows first, and sharp rows in different places look flat. What is to be averaged?"""
    return _curve(queries, keys, ws, lambda weights: row_entropy(weights.mean(0, keepdim=True))[0])


@misconception(of="sharpness_curve")
def sharpness_for_entropy(queries, keys, ws):
    """Your curve rises with |w|. Which end is sharp: entropy 0, or log n?"""
    return _curve(queries, keys, ws, lambda weights: math.log(len(keys)) - row_entropy(weights).mean())


@misconception(of="sharpness_curve")
def queries_and_keys_swapped(queries, keys, ws):
    """Your keys ask, and your queries answer. Among whom does a query share out its attention?"""
    return sharpness_curve(keys, queries, ws)


@misconception(of="sharpness_curve")
def keys_ask_themselves(queries, keys, ws):
    """You compare the keys with themselves. What are the queries for?"""
    return sharpness_curve(keys, keys, ws)


@misconception(of="sharpness_curve")
def w_as_the_bandwidth(queries, keys, ws):
    """You hand `w` to `nw_pooling` as it is. Is it a bandwidth?"""
    return torch.stack([row_entropy(nw_pooling(queries, keys, keys, w.item() or 1e-9)[1]).mean() for w in ws])


@misconception(of="sharpness_curve")
def w_not_squared(queries, keys, ws):
    """You multiply the squared distance by `w`, and below 0 the farthest key wins. What is squared in the kernel?"""
    return torch.stack([row_entropy(_map(queries, keys, 1.0).log().mul(w).softmax(-1)).mean() for w in ws])


@misconception(of="sharpness_curve")
def half_forgotten(queries, keys, ws):
    """Your kernel lacks the factor 1/2. Which weights does `NWKernelRegression` have?"""
    return sharpness_curve(queries, keys, ws * math.sqrt(2))


@misconception(of="sharpness_curve")
def widths_sorted(queries, keys, ws):
    """You sort the widths. To which of the caller's does each point belong?"""
    return sharpness_curve(queries, keys, ws.sort().values)


@misconception(of="sharpness_curve")
def first_width_for_all(queries, keys, ws):
    """You use the first width for all points. What changes along the curve?"""
    return sharpness_curve(queries, keys, ws[:1]).expand(len(ws)).clone()


@misconception(of="sharpness_curve")
def nothing_at_zero(queries, keys, ws):
    """At `w = 0` you divide by nothing, and get NaN. How much is every key worth there?"""
    return sharpness_curve(queries, keys, ws) + 0 / ws.square()


@misconception(of="sharpness_curve")
def exponentials_by_hand(queries, keys, ws):
    """With a sharp kernel all your exponentials are 0, as is their sum. What may be taken off all scores for free?"""

    def point(w):
        kernel = (-(((queries[:, None] - keys) * w) ** 2) / 2).exp()
        return row_entropy(kernel / kernel.sum(-1, keepdim=True)).mean()

    return torch.stack([point(w) for w in ws])


@misconception(of="sharpness_curve")
def a_list_of_numbers(queries, keys, ws):
    """You return a list. What holds numbers that one wants to plot, subtract and compare?"""
    return sharpness_curve(queries, keys, ws).tolist()


@misconception(of="sharpness_curve", group="robust")
def widths_made_positive_in_place(queries, keys, ws):
    """You make the caller's widths positive. Whose are they?"""
    return sharpness_curve(queries, keys, ws.abs_())
