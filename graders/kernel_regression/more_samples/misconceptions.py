"""Ways to measure something else, and to judge it wrongly."""

import math

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from kernel_regression.average_and_kernel_pooling import nw_pooling
from kernel_regression.more_samples import error_curve, verdict

from headcheck.properties import misconception


def _samples(n, seed):
    return noisy_samples(n, generator=torch.Generator().manual_seed(seed))


def _residuals(x, y, bandwidth):
    """Estimate minus curve at the test points."""
    queries = test_points()
    return nw_pooling(queries, x, y, bandwidth)[0] - true_curve(queries)


def _table(sample_sizes, seeds, entry):
    return torch.stack([torch.stack([entry(n, seed) for seed in seeds]) for n in sample_sizes])


@misconception(of="fixed")
def number_for_a_rule(h):
    """You returned the number itself. What can `error_curve` do with a rule that it cannot call?"""
    return h


@misconception(of="fixed")
def always_1(h):
    """Your fixed rule says 1 whatever it was made with. What is `h` for?"""
    return lambda _: 1.0


@misconception(of="fixed")
def fixed_over_the_number(h):
    """Your fixed rule still depends on the number of samples. What does *fixed* mean?"""
    return lambda x: h / len(x)


@misconception(of="shrinking")
def grows_with_the_samples(c):
    """Your bandwidth grows with the number of samples. Which sign has the exponent?"""
    return lambda x: c * x.std().item() * len(x) ** (1 / 5)


@misconception(of="shrinking")
def square_root_of_the_number(c):
    """You divided by the root of the number. How fast may the kernel shrink, and what is the exponent?"""
    return lambda x: c * x.std().item() * len(x) ** (-1 / 2)


@misconception(of="shrinking")
def deviation_forgotten(c):
    """Your bandwidth does not know the unit of x. Which factor has that unit?"""
    return lambda x: c * len(x) ** (-1 / 5)


@misconception(of="shrinking")
def variance_for_deviation(c):
    """You took the variance. In which unit is it, if x is in metres?"""
    return lambda x: c * x.var().item() * len(x) ** (-1 / 5)


@misconception(of="shrinking")
def other_deviation(c):
    """Your deviation divides by n. By what does `x.std()` divide?"""
    return lambda x: c * x.std(correction=0).item() * len(x) ** (-1 / 5)


@misconception(of="shrinking")
def tensor_for_a_number(c):
    """Your rule returns a tensor. Which call makes a Python number of it?"""
    return lambda x: c * x.std() * len(x) ** (-1 / 5)


@misconception(of="shrinking")
def factor_forgotten(c):
    """Your shrinking rule never uses `c`. What should `shrinking(2)` do to `shrinking(1)`?"""
    return lambda x: x.std().item() * len(x) ** (-1 / 5)


@misconception(of="error_curve")
def compared_with_noisy_values(sample_sizes, seeds, bandwidth):
    """You tested on the samples that you trained on, noise and all. What would an estimate that repeats them score?"""

    def entry(n, seed):
        x, y = _samples(n, seed)
        return (nw_pooling(x, x, y, bandwidth(x))[0] - y).square().mean()

    return _table(sample_sizes, seeds, entry)


@misconception(of="error_curve")
def tested_at_the_samples(sample_sizes, seeds, bandwidth):
    """You compared with the curve, but only where the samples lie. At which points should one look?"""

    def entry(n, seed):
        x, y = _samples(n, seed)
        return (nw_pooling(x, x, y, bandwidth(x))[0] - true_curve(x)).square().mean()

    return _table(sample_sizes, seeds, entry)


@misconception(of="error_curve")
def noise_on_the_targets(sample_sizes, seeds, bandwidth):
    """You put noise on the values that you compare with, so no estimate can reach an error of 0. Whom do you test?"""

    def entry(n, seed):
        x, y = _samples(n, seed)
        noise = 0.5 * torch.randn(100, generator=torch.Generator().manual_seed(seed))
        return (_residuals(x, y, bandwidth(x)) + noise).square().mean()

    return _table(sample_sizes, seeds, entry)


@misconception(of="error_curve")
def bandwidth_squared(sample_sizes, seeds, bandwidth):
    """You squared the bandwidth before handing it on. Who squares it already?"""
    return error_curve(sample_sizes, seeds, lambda x: bandwidth(x) ** 2)


@misconception(of="error_curve")
def bandwidth_not_handed_on(sample_sizes, seeds, bandwidth):
    """Your `nw_pooling` never hears of the bandwidth. Which one does it take then?"""
    return error_curve(sample_sizes, seeds, lambda _: 1.0)


@misconception(of="error_curve")
def rule_asked_about_the_queries(sample_sizes, seeds, bandwidth):
    """You asked the rule about the test points. Whose number and deviation should it see?"""
    return error_curve(sample_sizes, seeds, lambda _: bandwidth(test_points()))


@misconception(of="error_curve")
def rule_asked_once(sample_sizes, seeds, bandwidth):
    """You asked the rule about the first samples and kept its answer. What should change with the samples?"""
    h = bandwidth(_samples(sample_sizes[0], seeds[0])[0])
    return error_curve(sample_sizes, seeds, lambda _: h)


@misconception(of="error_curve")
def rule_asked_about_the_values(sample_sizes, seeds, bandwidth):
    """You asked the rule about `y`. On which axis does a bandwidth lie?"""
    return _table(
        sample_sizes,
        seeds,
        lambda n, seed: _residuals(*(pair := _samples(n, seed)), bandwidth(pair[1])).square().mean(),
    )


@misconception(of="error_curve")
def errors_summed(sample_sizes, seeds, bandwidth):
    """You added the squared errors up. What would twice as many test points change?"""
    return 100 * error_curve(sample_sizes, seeds, bandwidth)


@misconception(of="error_curve")
def root_taken(sample_sizes, seeds, bandwidth):
    """You took the root. Is it in the *mean squared error*?"""
    return error_curve(sample_sizes, seeds, bandwidth).sqrt()


@misconception(of="error_curve")
def absolute_errors(sample_sizes, seeds, bandwidth):
    """You took absolute errors. Which errors does the exercise ask for?"""

    def entry(n, seed):
        x, y = _samples(n, seed)
        return _residuals(x, y, bandwidth(x)).abs().mean()

    return _table(sample_sizes, seeds, entry)


@misconception(of="error_curve")
def first_seed_for_all(sample_sizes, seeds, bandwidth):
    """All your columns come from one seed. What do you learn from measuring the same samples again?"""
    return error_curve(sample_sizes, seeds[:1] * len(seeds), bandwidth)


@misconception(of="error_curve")
def seeds_counted_from_0(sample_sizes, seeds, bandwidth):
    """You used the numbers of the columns as seeds. Which seeds did the caller name?"""
    return error_curve(sample_sizes, list(range(len(seeds))), bandwidth)


@misconception(of="error_curve")
def one_generator_for_a_column(sample_sizes, seeds, bandwidth):
    """You seed once per column, so an entry depends on the sizes before it. When does an entry start afresh?"""
    columns = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        pairs = [noisy_samples(n, generator=generator) for n in sample_sizes]
        columns.append(torch.stack([_residuals(x, y, bandwidth(x)).square().mean() for x, y in pairs]))
    return torch.stack(columns, 1)


@misconception(of="error_curve")
def one_large_sample_cut_short(sample_sizes, seeds, bandwidth):
    """You drew the largest sample and took its first points, but `x` is sorted. Where do they all lie?"""

    def entry(n, seed):
        x, y = (part[:n] for part in _samples(max(sample_sizes), seed))
        return _residuals(x, y, bandwidth(x)).square().mean()

    return _table(sample_sizes, seeds, entry)


@misconception(of="error_curve")
def sizes_put_in_order(sample_sizes, seeds, bandwidth):
    """You sorted the sizes. In which order does the caller expect the rows?"""
    return error_curve(sorted(sample_sizes), seeds, bandwidth)


@misconception(of="error_curve")
def seeds_put_in_order(sample_sizes, seeds, bandwidth):
    """You sorted the seeds. In which order does the caller expect the columns?"""
    return error_curve(sample_sizes, sorted(seeds), bandwidth)


def _judged(curve_fixed, curve_shrinking, **other):
    """The verdict, with some of it replaced."""
    return verdict(curve_fixed, curve_shrinking) | other


def _slope(log_n, logs):
    centred = log_n - log_n.mean()
    return (centred @ logs / centred.square().sum()).item()


@misconception(of="verdict")
def foregone_conclusion(curve_fixed, curve_shrinking):
    """Your verdict is the same whatever was measured. What if the curves say the opposite?"""
    return _judged(curve_fixed, curve_shrinking, fixed_has_floor=True, shrinking_improves=True)


@misconception(of="verdict")
def curves_exchanged(curve_fixed, curve_shrinking):
    """You judged each curve by the other's question. Which of the two comes first?"""
    return verdict(curve_shrinking, curve_fixed)


@misconception(of="verdict")
def floor_where_it_falls(curve_fixed, curve_shrinking):
    """Your floor is there when the error falls, and gone when it stays. What is a floor?"""
    found = verdict(curve_fixed, curve_shrinking)
    return found | {"fixed_has_floor": not found["fixed_has_floor"]}


@misconception(of="verdict")
def floor_must_be_flat(curve_fixed, curve_shrinking):
    """You see a floor only if the error does not fall at all. By how much may it fall?"""
    means = curve_fixed.mean(1)
    return _judged(curve_fixed, curve_shrinking, fixed_has_floor=bool(means[-1] >= means[0]))


@misconception(of="verdict")
def floor_by_the_last_step(curve_fixed, curve_shrinking):
    """You compared the last two rows. Which two does the exercise compare?"""
    means = curve_fixed.mean(1)
    return _judged(curve_fixed, curve_shrinking, fixed_has_floor=bool(means[-1] > 0.75 * means[-2]))


@misconception(of="verdict")
def ends_alone(curve_fixed, curve_shrinking):
    """You compared the last row with the first and looked at none between. Did the error fall with every row?"""
    means = curve_shrinking.mean(1)
    return _judged(curve_fixed, curve_shrinking, shrinking_improves=bool(means[-1] <= 0.25 * means[0]))


@misconception(of="verdict")
def any_fall_will_do(curve_fixed, curve_shrinking):
    """You are content if the error falls at all. How far must it have fallen in the end?"""
    return _judged(curve_fixed, curve_shrinking, shrinking_improves=bool((curve_shrinking.mean(1).diff() < 0).all()))


@misconception(of="verdict")
def first_seed_judged(curve_fixed, curve_shrinking):
    """You judged the first seed. What are the others for?"""
    return verdict(curve_fixed[:, :1], curve_shrinking[:, :1])


@misconception(of="verdict")
def best_seed_judged(curve_fixed, curve_shrinking):
    """You judged the best of the seeds. What would you say of somebody who shows only that one?"""
    return verdict(curve_fixed.amin(1, keepdim=True), curve_shrinking.amin(1, keepdim=True))


@misconception(of="verdict")
def every_seed_must_improve(curve_fixed, curve_shrinking):
    """You want every single seed to improve. What does averaging over seeds take away?"""
    improves = (curve_shrinking.diff(dim=0) < 0).all() and (curve_shrinking[-1] <= 0.25 * curve_shrinking[0]).all()
    return _judged(curve_fixed, curve_shrinking, shrinking_improves=bool(improves))


@misconception(of="verdict")
def logarithm_before_the_mean(curve_fixed, curve_shrinking):
    """You averaged logarithms. Is the mean of logarithms the logarithm of the mean?"""
    return _judged(
        curve_fixed, curve_shrinking, slope=verdict(curve_fixed, curve_shrinking.log().mean(1).exp()[:, None])["slope"]
    )


@misconception(of="verdict")
def slope_of_the_fixed_curve(curve_fixed, curve_shrinking):
    """Your slope is that of the fixed curve. Which of the two goes on falling?"""
    return _judged(curve_fixed, curve_shrinking, slope=verdict(curve_shrinking, curve_fixed)["slope"])


@misconception(of="verdict")
def slope_per_row(curve_fixed, curve_shrinking):
    """Your slope is per row. By how much does log n grow when n doubles?"""
    found = verdict(curve_fixed, curve_shrinking)
    return found | {"slope": found["slope"] * math.log(2)}


@misconception(of="verdict")
def slope_without_logarithms(curve_fixed, curve_shrinking):
    """You fitted a line to the errors themselves. On which axes is a power law a line?"""
    means = curve_shrinking.mean(1)
    log_n = math.log(2) * torch.arange(len(means), dtype=means.dtype)
    return _judged(curve_fixed, curve_shrinking, slope=_slope(log_n, means))


@misconception(of="verdict")
def slope_over_n_itself(curve_fixed, curve_shrinking):
    """You took the logarithm of the error and not that of n. On which axes is a power law a line?"""
    means = curve_shrinking.mean(1)
    n = 2 ** torch.arange(len(means), dtype=means.dtype)
    return _judged(curve_fixed, curve_shrinking, slope=_slope(n, means.log()))


@misconception(of="verdict")
def slope_upside_down(curve_fixed, curve_shrinking):
    """Your slope is positive where the error falls. Which way does the line go?"""
    found = verdict(curve_fixed, curve_shrinking)
    return found | {"slope": -found["slope"]}


@misconception(of="verdict")
def slope_between_the_ends(curve_fixed, curve_shrinking):
    """Your line goes through the first point and the last. What do the points between say?"""
    means = curve_shrinking.mean(1).log()
    slope = (means[-1] - means[0]) / (math.log(2) * (len(means) - 1))
    return _judged(curve_fixed, curve_shrinking, slope=slope.item())


@misconception(of="verdict")
def tensors_for_bools(curve_fixed, curve_shrinking):
    """Your verdict holds tensors. Which call makes a bool of one?"""
    found = verdict(curve_fixed, curve_shrinking)
    return {key: torch.tensor(value) if isinstance(value, bool) else value for key, value in found.items()}


@misconception(of="verdict", group="robust")
def logarithm_in_place(curve_fixed, curve_shrinking):
    """You changed the caller's curve. What will the caller plot now?"""
    found = verdict(curve_fixed, curve_shrinking)
    curve_shrinking.log_()
    return found


@misconception(of="error_curve")
def lists_for_a_tensor(sample_sizes, seeds, bandwidth):
    """You returned lists of numbers. Which class can be averaged over one axis?"""
    return error_curve(sample_sizes, seeds, bandwidth).tolist()
