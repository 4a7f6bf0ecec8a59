"""Ways to get a batch of weighted averages wrong."""

import torch

from headcheck.properties import misconception


def _columns(values):
    return values if values.ndim == 3 else values.unsqueeze(-1)


def _average(weights, values):
    return torch.bmm(weights.unsqueeze(1), _columns(values)).reshape(len(weights), *values.shape[2:])


def summed_over_the_batch(weights, values):
    """You sum over the examples. Which axis holds the values of one example?"""
    return (weights.unsqueeze(-1) * _columns(values)).sum(0).reshape(-1, *values.shape[2:])


def averaged_over_the_batch(weights, values):
    """You mix the examples into one and hand it to all of them. What does an example know of its neighbours?"""
    return _average(weights, values).mean(0, keepdim=True).expand(len(weights), *values.shape[2:]).clone()


def divided_by_n(weights, values):
    """You divide by the number of values too. What do the weights do already?"""
    return _average(weights, values) / weights.shape[1]


def weights_normalised(weights, values):
    """You make the weights sum to 1. Who was to take care of that?"""
    return _average(weights / weights.sum(1, keepdim=True), values)


def softmax_of_the_weights(weights, values):
    """You take a softmax of the weights. Are they scores?"""
    return _average(weights.softmax(1), values)


def weights_ignored(weights, values):
    """You average without the weights. Which value counts for more?"""
    return values.mean(1) + 0 * weights.sum()


def numbers_only(weights, values):
    """Your code needs values of shape (batch, n). What if each value is a vector?"""
    return torch.bmm(weights.unsqueeze(1), values.unsqueeze(-1)).squeeze(2).squeeze(1)


def vectors_only(weights, values):
    """Your code needs values of shape (batch, n, v). What if each value is a number?"""
    return torch.bmm(weights.unsqueeze(1), values).squeeze(1)


def first_feature_only(weights, values):
    """You average the first number of each vector and repeat it. What about the others?"""
    first = (weights * _columns(values)[..., 0]).sum(1)
    return first.reshape(-1, *[1] * (values.ndim - 2)).expand(len(weights), *values.shape[2:]).clone()


def every_axis_squeezed(weights, values):
    """You squeeze every axis of length 1, so a batch of one loses its batch. Which axis did you add yourself?"""
    return torch.bmm(weights.unsqueeze(1), _columns(values)).squeeze()


def last_axis_always_squeezed(weights, values):
    """You squeeze the last axis too, also where the values are vectors of one number. What shape should come out?"""
    return torch.bmm(weights.unsqueeze(1), _columns(values)).squeeze(1).squeeze(-1)


def axis_of_one_left(weights, values):
    """The axis that you added for the product is still there. Which shape was asked for?"""
    return torch.bmm(weights.unsqueeze(1), _columns(values))


def column_left_for_numbers(weights, values):
    """For values that are numbers you return a column. Which shape was asked for?"""
    return torch.bmm(weights.unsqueeze(1), _columns(values)).squeeze(1)


def values_reshaped(weights, values):
    """You reshape the values where they should stay, and weights meet the wrong ones. Does a reshape exchange axes?"""
    columns = _columns(values)
    batch, n, v = columns.shape
    shuffled = columns.reshape(batch, v, n).transpose(1, 2)
    return _average(weights, shuffled.reshape(values.shape))


def values_transposed(weights, values):
    """You sum over the numbers of a vector where you can. Which axis counts the values?"""
    columns = _columns(values)
    if columns.shape[1] == columns.shape[2]:
        columns = columns.transpose(1, 2)
    return _average(weights, columns.reshape(values.shape))


def batch_for_values(weights, values):
    """Where the batch is as large as n, you run along the wrong axis of the weights. Which one is the batch?"""
    return _average(weights.T if weights.shape[0] == weights.shape[1] else weights, values)


def values_in_reverse(weights, values):
    """You pair the first weight with the last value. Which value does a weight belong to?"""
    return _average(weights, values.flip(1))


def product_without_the_sum(weights, values):
    """You multiply, but do not sum. What is left of the n values in an average?"""
    return weights.unsqueeze(-1) * _columns(values)


def largest_weight_wins(weights, values):
    """You return the value with the largest weight. What do the others contribute?"""
    return values[range(len(weights)), weights.argmax(1)] * weights.amax(1).reshape(-1, *[1] * (values.ndim - 2))


def size_of_the_weights(weights, values):
    """You take the weights without their sign. Did anyone promise that they are positive?"""
    return _average(weights.abs(), values)


def loop_over_the_batch(weights, values):
    """You go through the examples one by one. Which call takes a whole stack of matrices?"""
    return torch.stack([row @ value for row, value in zip(weights, values, strict=True)])


def loop_without_products(weights, values):
    """You go through the examples one by one, only without a matrix product. Which axis can all of them share?"""
    rows = zip(weights, values, strict=True)
    return torch.stack([(row.reshape(-1, *[1] * (value.ndim - 1)) * value).sum(0) for row, value in rows])


def loop_over_the_features(weights, values):
    """You make one product for every number of a vector. How many columns may a matrix have?"""
    columns = [torch.bmm(weights.unsqueeze(1), column.unsqueeze(-1)) for column in _columns(values).unbind(-1)]
    return torch.cat(columns, -1).reshape(len(weights), *values.shape[2:])


def all_pairs_of_examples(weights, values):
    """You multiply the weights of every example with the values of all examples, and keep the diagonal. What did the
    rest cost?
    """
    return torch.einsum("bn,cn...->bc...", weights, values).diagonal(dim1=0, dim2=1).movedim(-1, 0)


def cut_from_the_graph(weights, values):
    """You take the plain numbers of the weights, and no gradient reaches them. How should the model learn?"""
    return _average(weights.detach(), values)


def made_in_float32(weights, values):
    """You work in float32 whatever comes in. Which dtype do the inputs have?"""
    return _average(weights.float(), values.float())


@misconception(group="robust")
def multiplied_in_place(weights, values):
    """You multiply the caller's values by the weights in place. What will the next function find there?"""
    if values.requires_grad:
        values = values.clone()
    values *= weights.reshape(*weights.shape, *[1] * (values.ndim - 2))
    return values.sum(1)


@misconception(group="robust")
def flattened_with_view(weights, values):
    """You use `view`, which refuses tensors whose numbers do not lie in order. Which function copies when it must?"""
    batch, n = weights.shape
    products = weights.view(-1, 1) * values.view(batch * n, -1)
    return products.view(batch, n, -1).sum(1).view(batch, *values.shape[2:])
