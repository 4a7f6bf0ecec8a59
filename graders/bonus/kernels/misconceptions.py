"""Ways to get the four kernels and the weighted mean wrong."""

import math

import torch
from bonus.kernels import constant, epanechikov, gaussian
from bonus.kernels import nw as _right
from torch import nn

from headcheck.properties import misconception


@misconception(of="gaussian")
def one_number_for_all_distances(x):
    """You add the squares up, as if all distances belonged to one vector. How many distances came in?"""
    return (-(x**2).sum() / 2).exp()


@misconception(of="gaussian")
def half_forgotten(x):
    """Your bell is too narrow: the half is missing. What is the kernel at distance 1?"""
    return (-(x**2)).exp()


@misconception(of="gaussian")
def square_forgotten(x):
    """Your kernel has a peak where a bell is flat. What happens to the distance first?"""
    return (-x.abs() / 2).exp()


@misconception(of="gaussian")
def distance_halved_before_the_square(x):
    """You square half of the distance. Is half of a square the square of a half?"""
    return (-((x / 2) ** 2)).exp()


@misconception(of="gaussian")
def minus_forgotten(x):
    """Far samples count more than near ones. Which sign belongs into the exponential?"""
    return (x**2 / 2).exp()


@misconception(of="gaussian")
def area_instead_of_height_1(x):
    """You made a density, whose area is 1. Which height does the task ask for, and what does `nw` do with a factor?"""
    return gaussian(x) / math.sqrt(2 * math.pi)


@misconception(of="gaussian")
def normalised_already(x):
    """Your kernel takes a softmax. Does it know along which axis its distances are to be compared?"""
    return (-(x**2) / 2).softmax(-1)


@misconception(of="gaussian")
def straight_at_the_start(x):
    """You took the first terms of the exponential's series. What is left of a bell far away?"""
    return (1 - x**2 / 2).clamp(min=0)


@misconception(of="boxcar")
def edge_included(x):
    """A sample at a distance of exactly 1 counts for you. What does *less than 1* say?"""
    return (x.abs() <= 1).to(x.dtype)


@misconception(of="boxcar")
def half_as_wide(x):
    """Your box reaches to 0.5 on either side. How wide is it when the distance may be less than 1?"""
    return (x.abs() < 0.5).to(x.dtype)


@misconception(of="boxcar")
def half_as_high(x):
    """You gave the box an area of 1. Which height does the task ask for?"""
    return (x.abs() < 1).to(x.dtype) / 2


@misconception(of="boxcar")
def one_sided(x):
    """All samples on one side count for you, however far. What is missing around the distance?"""
    return (x < 1).to(x.dtype)


@misconception(of="boxcar")
def far_ones_only(x):
    """You let the far samples count, and not the near ones. Which way does the comparison go?"""
    return (x.abs() > 1).to(x.dtype)


@misconception(of="boxcar")
def rounded(x):
    """You round the distance, so the box ends at 0.5. Which distances are less than 1?"""
    return (x.round() == 0).to(x.dtype)


@misconception(of="boxcar", group="robust")
def truth_values(x):
    """Your boxcar answers with truth values. What does a sum of those give, and in which dtype?"""
    return x.abs() < 1


@misconception(of="boxcar", group="robust")
def whole_numbers(x):
    """Your boxcar answers with whole numbers. What dtype did the distances have?"""
    return (x.abs() < 1).long()


@misconception(of="epanechikov")
def negative_far_away(x):
    """Your tent goes on below the ground, so far samples count negatively. Where should it end?"""
    return 1 - x.abs()


@misconception(of="epanechikov")
def parabola(x):
    """You wrote the parabola that statisticians know under this name. Which shape does the task describe?"""
    return (1 - x**2).clamp(min=0)


@misconception(of="epanechikov")
def parabola_of_area_1(x):
    """You wrote the parabola that statisticians know under this name. Which shape, and which height, are asked for?"""
    return 0.75 * (1 - x**2).clamp(min=0)


@misconception(of="epanechikov")
def tent_open_on_one_side(x):
    """Your tent rises without end on one side. What is missing around the distance?"""
    return (1 - x).relu()


@misconception(of="epanechikov")
def tent_twice_as_wide(x):
    """Your tent reaches to 2 on either side. Where should it touch the ground?"""
    return (1 - x.abs() / 2).relu()


@misconception(of="epanechikov")
def tent_turned_around(x):
    """Your kernel is 0 where it should be 1. How much does a sample count that is right here?"""
    return x.abs().clamp(max=1)


@misconception(of="epanechikov")
def tent_scaled_by_its_top(x):
    """You divide by the largest value, so the answer for one distance depends on the others. Who scales in `nw`?"""
    tent = epanechikov(x)
    return tent / tent.max().clamp_min(1e-9)


@misconception(of="constant")
def zeros(x):
    """With 0 for everybody nobody counts. What should all have alike?"""
    return torch.zeros_like(x)


@misconception(of="constant")
def a_single_number(x):
    """You return one number for all distances together. What shape does `nw` need?"""
    return x.new_ones(())


@misconception(of="constant")
def shared_out_already(x):
    """Your ones are divided by their number. Who divides in `nw`?"""
    return constant(x) / x.numel()


@misconception(of="nw", group="robust")
def zero_by_zero(x_train, y_train, x_val, kernel):
    """Where no sample is near you divide 0 by 0, as the book does. What can be said there?"""
    k = kernel(x_val[:, None] - x_train)
    weights = k / k.sum(-1, keepdim=True)
    return weights @ y_train, weights


@misconception(of="nw", group="robust")
def zero_in_gaps(x_train, y_train, x_val, kernel):
    """Where no sample is near you guess 0. Is that the best guess without any evidence?"""
    k = kernel(x_val[:, None] - x_train)
    weights = (k / k.sum(-1, keepdim=True)).nan_to_num()
    return weights @ y_train, weights


@misconception(of="nw", group="robust")
def mean_without_weights(x_train, y_train, x_val, kernel):
    """In a gap you guess the mean, but the weights that you return are not those of a mean. What are they?"""
    guesses, weights = zero_by_zero(x_train, y_train, x_val, kernel)
    return torch.where(guesses.isnan(), y_train.mean(), guesses), weights.nan_to_num()


@misconception(of="nw", group="robust")
def nearest_in_gaps(x_train, y_train, x_val, kernel):
    """Where no sample counts you take the nearest one. Did the kernel not say that it is too far?"""
    distances = x_val[:, None] - x_train
    k = kernel(distances)
    nearest = nn.functional.one_hot(distances.abs().argmin(-1), len(x_train)).to(k.dtype)
    k = torch.where(k.sum(-1, keepdim=True) > 0, k, nearest)
    weights = k / k.sum(-1, keepdim=True)
    return weights @ y_train, weights


@misconception(of="nw")
def a_little_for_everybody(x_train, y_train, x_val, kernel):
    """You add a little to every kernel value to avoid 0 by 0. What does that do where all values are tiny?"""
    k = kernel(x_val[:, None] - x_train) + 1e-4
    weights = k / k.sum(-1, keepdim=True)
    return weights @ y_train, weights


@misconception(of="nw")
def a_little_in_the_divisor(x_train, y_train, x_val, kernel):
    """You add a little to the divisor to avoid 0 by 0. What is the sum of the weights when all samples are far?"""
    k = kernel(x_val[:, None] - x_train)
    weights = k / (k.sum(-1, keepdim=True) + 1e-8)
    return weights @ y_train, weights


@misconception(of="nw")
def normalised_over_queries(x_train, y_train, x_val, kernel):
    """You divide by the sum over the queries. Who shares out the weight, a query or a sample?"""
    k = kernel(x_val[:, None] - x_train)
    weights = k / k.sum(0, keepdim=True)
    return weights @ y_train, weights


@misconception(of="nw")
def normalised_over_everything(x_train, y_train, x_val, kernel):
    """You divide by the sum over all queries and samples. Who shares out the weight?"""
    k = kernel(x_val[:, None] - x_train)
    weights = k / k.sum()
    return weights @ y_train, weights


@misconception(of="nw")
def never_normalised(x_train, y_train, x_val, kernel):
    """You add up values times kernel, so the guess grows with the number of samples. What makes a sum a mean?"""
    weights = kernel(x_val[:, None] - x_train)
    return weights.to(y_train.dtype) @ y_train, weights


@misconception(of="nw")
def divided_by_the_number(x_train, y_train, x_val, kernel):
    """You divide by the number of samples. What is the sum of the weights then?"""
    weights = kernel(x_val[:, None] - x_train) / len(x_train)
    return weights @ y_train, weights


@misconception(of="nw")
def softmax_of_the_kernel(x_train, y_train, x_val, kernel):
    """You take a softmax of the kernel's values. What does it make of a sample that should not count?"""
    weights = kernel(x_val[:, None] - x_train).to(y_train.dtype).softmax(-1)
    return weights @ y_train, weights


@misconception(of="nw")
def kernel_written_out(x_train, y_train, x_val, kernel):
    """You always use the bell. What did the caller hand over?"""
    return _right(x_train, y_train, x_val, gaussian)


@misconception(of="nw")
def distances_unsigned_twice(x_train, y_train, x_val, kernel):
    """You compare the sizes of two places, so -2 is near 2. Of what should the size be taken?"""
    return _right(x_train.abs(), y_train, x_val.abs(), kernel)


@misconception(of="nw")
def distances_squared(x_train, y_train, x_val, kernel):
    """You square the distances before the kernel sees them. Whose business is that?"""
    return _right(x_train, y_train, x_val, lambda distances: kernel(distances**2))


@misconception(of="nw")
def places_added(x_train, y_train, x_val, kernel):
    """You add the places. When are two places near each other?"""
    return _right(-x_train, y_train, x_val, kernel)


@misconception(of="nw")
def kernel_of_places(x_train, y_train, x_val, kernel):
    """You multiply the kernels of the two places. How near are two places that are both far from 0?"""
    k = kernel(x_val)[:, None] * kernel(x_train)
    weights = k / k.sum(-1, keepdim=True)
    return weights @ y_train, weights


@misconception(of="nw")
def weights_transposed(x_train, y_train, x_val, kernel):
    """Your weights have a row for every sample. Whose rows should sum to 1?"""
    guesses, weights = _right(x_train, y_train, x_val, kernel)
    return guesses, weights.T


@misconception(of="nw")
def kernel_values_returned(x_train, y_train, x_val, kernel):
    """You return the kernel's values beside the guesses, not the weights. What did you multiply the values by?"""
    guesses, _ = _right(x_train, y_train, x_val, kernel)
    return guesses, kernel(x_val[:, None] - x_train)


@misconception(of="nw")
def weights_not_returned(x_train, y_train, x_val, kernel):
    """You return the guesses alone. What else should the caller get to see?"""
    return _right(x_train, y_train, x_val, kernel)[0]


@misconception(of="nw")
def a_column_of_guesses(x_train, y_train, x_val, kernel):
    """Your guesses are a column. How many axes has one number for each query?"""
    guesses, weights = _right(x_train, y_train, x_val, kernel)
    return guesses[:, None], weights


@misconception(of="nw")
def nearest_sample_only(x_train, y_train, x_val, kernel):
    """You guess the value of the sample that counts most. What of the others' say?"""
    k = kernel(x_val[:, None] - x_train)
    weights = nn.functional.one_hot(k.to(y_train.dtype).argmax(-1), len(x_train)).to(y_train.dtype)
    return weights @ y_train, weights


@misconception(of="nw")
def places_sorted_without_their_values(x_train, y_train, x_val, kernel):
    """You sort the places but not their values. Which value belongs to which place then?"""
    return _right(x_train.sort().values, y_train, x_val, kernel)


@misconception(of="nw")
def guesses_at_the_samples(x_train, y_train, x_val, kernel):
    """You guess at the samples' own places. Where does the caller want to know?"""
    return _right(x_train, y_train, x_train, kernel)


@misconception(of="nw")
def guesses_detached(x_train, y_train, x_val, kernel):
    """You cut the guesses off the graph. How would anyone learn a width by them?"""
    guesses, weights = _right(x_train, y_train, x_val, kernel)
    return guesses.detach(), weights


@misconception(of="nw")
def weights_as_plain_numbers(x_train, y_train, x_val, kernel):
    """Your weights are constants for the gradient, so it never reaches the places. Where did they leave the graph?"""
    _, weights = _right(x_train, y_train, x_val, kernel)
    return weights.detach() @ y_train, weights


@misconception(of="nw", group="robust")
def moved_in_place(x_train, y_train, x_val, kernel):
    """You move the caller's places to have a mean of 0. Only distances matter, but whose tensors are these?"""
    middle = x_train.detach().mean()
    x_train.data -= middle
    x_val.data -= middle
    return _right(x_train, y_train, x_val, kernel)


@misconception(of="boxcar", group="robust")
def signs_removed_in_place(x):
    """You take the signs off the caller's own distances. What will a kernel that is called after yours get to see?"""
    x.data.abs_()
    return (x < 1).to(x.dtype)


@misconception(of="nw", group="robust")
def float32_whatever_comes(x_train, y_train, x_val, kernel):
    """You turn everything into float32, as the book does. What did the caller hand over?"""
    guesses, weights = _right(x_train, y_train, x_val, kernel)
    return guesses.float(), weights.float()
