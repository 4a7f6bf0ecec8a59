"""Ways to choose the wrong bandwidth, or the right one for the wrong reason."""

import torch
from kernel_regression.average_and_kernel_pooling import nw_pooling
from kernel_regression.bandwidth_selection import loo_error, select_bandwidth

from headcheck.properties import misconception


def _scores(x, bandwidth):
    """The scores of all pairs of samples, a sample and itself included: (n, n)."""
    return -(((x[:, None] - x) / bandwidth) ** 2) / 2


def _hidden(x, y, bandwidth):
    """The errors of all samples predicted from the others: (n,)."""
    scores = _scores(x, bandwidth).masked_fill(torch.eye(len(x), dtype=torch.bool), -torch.inf)
    return (scores.softmax(-1) @ y - y).detach()


def _mean_squared(x, y, bandwidth):
    """The right error, for a wrong idea of the bandwidth perhaps."""
    return _hidden(x, y, bandwidth).square().mean().item()


def _chosen(x, y, grid, error):
    """The width with the smallest error of another kind."""
    return min(grid.tolist(), key=lambda width: (error(x, y, width), -width))


@misconception(of="loo_error")
def own_sample_kept(x, y, bandwidth):
    """Every sample helps to predict itself, so the narrowest kernel always wins. What must be hidden from it?"""
    return (_scores(x, bandwidth).softmax(-1) @ y - y).detach().square().mean().item()


@misconception(of="loo_error")
def first_sample_hidden_from_all(x, y, bandwidth):
    """You leave out the same sample for all. Which one must not be seen when sample `i` is predicted?"""
    return (nw_pooling(x, x[1:], y[1:], bandwidth)[0] - y).detach().square().mean().item()


@misconception(of="loo_error")
def next_sample_hidden(x, y, bandwidth):
    """You hide the neighbour in the list, and the sample sees itself. Where is the diagonal?"""
    hidden = torch.eye(len(x), dtype=torch.bool).roll(1, 1)
    return (_scores(x, bandwidth).masked_fill(hidden, -torch.inf).softmax(-1) @ y - y).detach().square().mean().item()


@misconception(of="loo_error")
def equals_hidden_too(x, y, bandwidth):
    """You hide all samples with the same `x`. Which of them is being predicted, and which are its best neighbours?"""
    same = x[:, None] == x
    scores = _scores(x, bandwidth).masked_fill(same, -1e9)
    return (scores.softmax(-1) @ y - y).detach().square().mean().item()


@misconception(of="loo_error")
def weight_zeroed_after_the_softmax(x, y, bandwidth):
    """You set the own weight to 0 after the softmax, and the others no longer sum to 1. When should it be hidden?"""
    weights = _scores(x, bandwidth).softmax(-1).fill_diagonal_(0)
    return (weights @ y - y).detach().square().mean().item()


@misconception(of="loo_error")
def values_hidden_keys_kept(x, y, bandwidth):
    """You take the sample's value for 0 instead of leaving it out. Who still has a weight?"""
    kept = y.expand(len(y), -1).masked_fill(torch.eye(len(y), dtype=torch.bool), 0)
    return ((_scores(x, bandwidth).softmax(-1) * kept).sum(-1) - y).detach().square().mean().item()


@misconception(of="loo_error")
def exponentials_by_hand(x, y, bandwidth):
    """A sample far from all others gets 0/0. What can a softmax do that a quotient of sums cannot?"""
    kernel = _scores(x, bandwidth).detach().exp().fill_diagonal_(0)
    return (kernel @ y.detach() / kernel.sum(-1) - y.detach()).square().mean().item()


@misconception(of="loo_error")
def corrected_afterwards(x, y, bandwidth):
    """You take the sample's share out of the finished average, and a lonely sample has all of it: 0/0. When is hiding
    safe?
    """
    weights = _scores(x, bandwidth).softmax(-1).detach()
    own = weights.diagonal()
    return ((weights @ y - own * y) / (1 - own) - y).detach().square().mean().item()


@misconception(of="loo_error")
def lonely_samples_predicted_as_zero(x, y, bandwidth):
    """You save a lonely sample from 0/0 by a small number in the denominator, and predict 0. Who is nearest to it?"""
    kernel = _scores(x, bandwidth).detach().exp().fill_diagonal_(0)
    return (kernel @ y.detach() / (kernel.sum(-1) + 1e-12) - y.detach()).square().mean().item()


@misconception(of="loo_error")
def median_error(x, y, bandwidth):
    """You take the median of the errors. Which average does the task ask for?"""
    return _hidden(x, y, bandwidth).square().median().item()


@misconception(of="loo_error")
def errors_not_averaged(x, y, bandwidth):
    """You return an error for each sample. What would one compare two bandwidths by?"""
    return _hidden(x, y, bandwidth).square()


@misconception(of="loo_error")
def errors_summed(x, y, bandwidth):
    """You sum the errors, so more samples look worse. Which average does the task ask for?"""
    return _hidden(x, y, bandwidth).square().sum().item()


@misconception(of="loo_error")
def divided_by_one_less(x, y, bandwidth):
    """You divide by `n - 1`. How many errors are there?"""
    return _hidden(x, y, bandwidth).square().sum().item() / (len(x) - 1)


@misconception(of="loo_error")
def absolute_errors(x, y, bandwidth):
    """You average absolute errors. Which ones does the task ask for?"""
    return _hidden(x, y, bandwidth).abs().mean().item()


@misconception(of="loo_error")
def root_taken(x, y, bandwidth):
    """You take the root of the mean. The choice is the same; is the number?"""
    return _hidden(x, y, bandwidth).square().mean().sqrt().item()


@misconception(of="loo_error")
def errors_cancel(x, y, bandwidth):
    """You square the mean of the errors, in which too much and too little cancel. What is squared first?"""
    return _hidden(x, y, bandwidth).mean().square().item()


@misconception(of="loo_error")
def half_forgotten(x, y, bandwidth):
    """Your kernel lacks the factor 1/2, and is narrower than its bandwidth says. What does `nw_pooling` compute?"""
    return _mean_squared(x, y, bandwidth / 2**0.5)


@misconception(of="loo_error")
def bandwidth_not_squared(x, y, bandwidth):
    """You divide the squared distance by the bandwidth itself. What is squared in the kernel?"""
    return _mean_squared(x, y, bandwidth**0.5)


@misconception(of="loo_error")
def bandwidth_multiplied(x, y, bandwidth):
    """You multiply the distances by the bandwidth, so a wide kernel is a narrow one. Which way does a width go?"""
    return _mean_squared(x, y, 1 / bandwidth)


@misconception(of="loo_error")
def squared_distance_forgotten(x, y, bandwidth):
    """Your kernel falls with the distance, not with its square. What does `nw_pooling` compute?"""
    scores = -((x[:, None] - x) / bandwidth).abs() / 2
    scores = scores.masked_fill(torch.eye(len(x), dtype=torch.bool), -torch.inf)
    return (scores.softmax(-1) @ y - y).detach().square().mean().item()


@misconception(of="loo_error")
def pairs_torn_apart(x, y, bandwidth):
    """You sort `x` and leave `y` as it was. Whose value is whose?"""
    return _mean_squared(x.sort().values, y, bandwidth)


@misconception(of="loo_error")
def nearest_neighbour(x, y, bandwidth):
    """You predict by the nearest sample alone. What is the bandwidth for?"""
    return _mean_squared(x, y, 1e-6)


@misconception(of="loo_error")
def mean_of_the_others(x, y, bandwidth):
    """You predict by the mean of the others. What is the bandwidth for?"""
    return _mean_squared(x, y, 1e6)


@misconception(of="loo_error")
def error_as_a_tensor(x, y, bandwidth):
    """You return a tensor. Which method makes a number of it?"""
    return torch.tensor(loo_error(x, y, bandwidth))


@misconception(of="loo_error", group="robust")
def samples_sorted_in_place(x, y, bandwidth):
    """You sort the caller's samples. Whose are they?"""
    order = x.argsort()
    x.data, y.data = x.data[order], y.data[order]
    return _mean_squared(x, y, bandwidth)


@misconception(of="loo_error", group="robust")
def graph_in_the_way(x, y, bandwidth):
    """You take numbers out of a tensor that is part of a graph. Which call leaves the graph first?"""
    return float((_hidden(x, y, bandwidth) * (x * 0 + 1)).square().mean().numpy())


@misconception(of="select_bandwidth")
def validated_on_the_fit(x, y, grid):
    """You compare how well the samples fit themselves, so the narrowest kernel always wins. What must be hidden?"""
    return _chosen(x, y, grid, own_sample_kept)


@misconception(of="select_bandwidth")
def place_in_the_grid(x, y, grid):
    """You return where in the grid the best bandwidth stands. What is at that place?"""
    return float(torch.tensor([loo_error(x, y, width) for width in grid.tolist()]).argmin())


@misconception(of="select_bandwidth")
def error_of_the_best(x, y, grid):
    """You return the smallest error. With which bandwidth was it made?"""
    return min(loo_error(x, y, width) for width in grid.tolist())


@misconception(of="select_bandwidth")
def worst_of_the_grid(x, y, grid):
    """You return the bandwidth with the largest error. Which end of the list is the good one?"""
    return max(grid.tolist(), key=lambda width: loo_error(x, y, width))


@misconception(of="select_bandwidth")
def first_of_equals(x, y, grid):
    """Among equally good bandwidths you take the one that comes first. Which does the task prefer?"""
    return min(grid.tolist(), key=lambda width: loo_error(x, y, width))


@misconception(of="select_bandwidth")
def last_of_equals(x, y, grid):
    """Among equally good bandwidths you take the one that comes last. Is the grid in any order?"""
    return min(reversed(grid.tolist()), key=lambda width: loo_error(x, y, width))


@misconception(of="select_bandwidth")
def smallest_of_equals(x, y, grid):
    """Among equally good bandwidths you take the narrowest. Which does the task prefer?"""
    return min(grid.tolist(), key=lambda width: (loo_error(x, y, width), width))


@misconception(of="select_bandwidth")
def rule_of_thumb(x, y, grid):
    """You take a formula for the bandwidth. Did you ask how well it predicts?"""
    wanted = 0.9 * x.std() * len(x) ** -0.2
    return min(grid.tolist(), key=lambda width: abs(width - wanted.item()))


@misconception(of="select_bandwidth")
def always_the_widest(x, y, grid):
    """You take the widest kernel, which predicts the mean. What do the samples say to that?"""
    return grid.max().item()


@misconception(of="select_bandwidth")
def own_grid(x, y, grid):
    """You search a grid of your own. What is the third argument for?"""
    return select_bandwidth(x, y, torch.logspace(-1.7, 0.5, 20))


@misconception(of="select_bandwidth")
def average_of_the_grid(x, y, grid):
    """You average the bandwidths by how good they are. Which single one is best?"""
    errors = torch.tensor([loo_error(x, y, width) for width in grid.tolist()], dtype=grid.dtype)
    return ((-errors).softmax(0) @ grid).item()


@misconception(of="select_bandwidth")
def first_valley(x, y, grid):
    """You stop as soon as the error rises. Must the next valley not be deeper?"""
    best, *rest = sorted(grid.tolist(), reverse=True)
    for width in rest:
        if loo_error(x, y, width) > loo_error(x, y, best):
            break
        best = width
    return best


@misconception(of="select_bandwidth")
def half_of_the_samples(x, y, grid):
    """You predict one half of the samples from the other. How many does the leave-one-out error hide at a time?"""
    half = len(x) // 2

    def error(x, y, width):
        return (nw_pooling(x[half:], x[:half], y[:half], width)[0] - y[half:]).detach().square().mean().item()

    return _chosen(x, y, grid, error)


@misconception(of="select_bandwidth")
def bandwidth_as_a_tensor(x, y, grid):
    """You return a tensor. Which method makes a number of it?"""
    return torch.tensor(select_bandwidth(x, y, grid), dtype=grid.dtype)


@misconception(of="select_bandwidth", group="robust")
def grid_sorted_in_place(x, y, grid):
    """You sort the caller's grid. Whose is it?"""
    grid.copy_(grid.sort().values)
    return select_bandwidth(x, y, grid)
