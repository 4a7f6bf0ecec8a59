"""Ways to get a masked softmax wrong."""

from __future__ import annotations

import torch
from torch.nn.functional import one_hot

from headcheck.properties import misconception


def _padded(X, valid_lens):
    if valid_lens is None:
        return torch.zeros_like(X, dtype=torch.bool)
    positions = torch.arange(X.shape[-1], device=X.device)
    return (positions >= valid_lens.reshape(len(X), -1, 1)).expand(X.shape)


def _right(X, valid_lens):
    """A right solution, for mistakes in what goes in or comes out."""
    padded = _padded(X, valid_lens)
    return X.masked_fill(padded, -torch.inf).softmax(-1).masked_fill(padded, 0.0)


def _lowered(X, padded):
    """The scores with a million below zero in place of padding, as in the book: minus infinity in float16."""
    scores = X.clone()
    scores[padded] = -1e6
    return scores


def mask_after_softmax(X, valid_lens=None):
    """You masked the finished weights, so what is left of a row no longer sums to 1. When should the mask act?"""
    return X.softmax(-1) * ~_padded(X, valid_lens)


def renormalised_after_softmax(X, valid_lens=None):
    """You took the exponentials of whole rows before you masked them. When the largest score of a row is padding, what
    is left of the valid ones to divide by?
    """
    weights = X.softmax(-1) * ~_padded(X, valid_lens)
    return weights / weights.sum(-1, keepdim=True)


def lengths_ignored(X, valid_lens=None):
    """Your softmax never sees the lengths, so padding takes part. If you made a masked tensor, where is it now?"""
    return X.softmax(-1)


def zero_for_minus_infinity(X, valid_lens=None):
    """Your padded scores are 0 or nearly so, but exp(0) is 1, a fine weight. Which score gives a weight of 0?"""
    return X.masked_fill(_padded(X, valid_lens), 0.0).softmax(-1)


def mask_added_to_the_scores(X, valid_lens=None):
    """You add -10,000 to padded scores. A padded score may be large enough to climb out again. What sum can no score
    climb out of?
    """
    return (X - 1e4 * _padded(X, valid_lens)).softmax(-1)


def minus_ten_thousand(X, valid_lens=None):
    """You masked with -10,000. What happens to a row whose valid scores are lower than that?"""
    return X.masked_fill(_padded(X, valid_lens), -1e4).softmax(-1)


def minus_a_billion_in_half_precision(X, valid_lens=None):
    """You masked with -1e9, which float16 cannot hold. Which value below all others exists in every dtype?"""
    return X.masked_fill(_padded(X, valid_lens), -1e9).softmax(-1)


def mask_inverted(X, valid_lens=None):
    """You masked the valid keys and kept the padding. On which side of the length does your comparison say True?"""
    return _right(X, None) if valid_lens is None else _lowered(X, ~_padded(X, valid_lens)).softmax(-1)


def padding_in_front(X, valid_lens=None):
    """You kept the last keys of each row, but the padding comes after the sentence. Where do the positions start?"""
    return X.masked_fill(_padded(X, valid_lens).flip(-1), -torch.inf).softmax(-1)


def one_key_too_many(X, valid_lens=None):
    """Your rows are one key too long. The first position is 0: is the position `length` still valid?"""
    return _right(X, None if valid_lens is None else valid_lens + 1)


def one_key_short(X, valid_lens=None):
    """Your rows are one key too short. With a length of 1, which positions are valid?"""
    return _right(X, None if valid_lens is None else (valid_lens - 1).clamp(min=1))


def softmax_over_queries(X, valid_lens=None):
    """Your softmax runs over the queries. Each query shares out its attention among the keys: which axis is that?"""
    return _lowered(X, _padded(X, valid_lens)).softmax(1)


def softmax_over_the_batch(X, valid_lens=None):
    """Your softmax runs over the batch, so examples compete. Along which axis should weights sum to 1?"""
    return _lowered(X, _padded(X, valid_lens)).softmax(0)


def softmax_over_all_scores(X, valid_lens=None):
    """Your weights sum to 1 over a whole example. How much attention has each single query to give?"""
    return X.masked_fill(_padded(X, valid_lens), -torch.inf).flatten(1).softmax(-1).view_as(X)


def logarithms_returned(X, valid_lens=None):
    """You returned logarithms of weights. What sums to 1 in each row, the logarithms or the weights?"""
    return _lowered(X, _padded(X, valid_lens)).log_softmax(-1)


def scores_divided_by_root_of_keys(X, valid_lens=None):
    """You divided the scores before the softmax. Scaling belongs to the layer that makes the scores: who asked for it
    here?
    """
    return _right(X / X.shape[-1] ** 0.5, valid_lens)


def lengths_repeated_in_the_wrong_order(X, valid_lens=None):
    """You repeated the list of lengths as a whole, so example 0 gets the lengths of the others for its further queries.
    Which of `repeat` and `repeat_interleave` keeps a length beside its copies?
    """
    if valid_lens is not None and valid_lens.dim() == 1:
        valid_lens = valid_lens.repeat(X.shape[1]).reshape(X.shape[:2])
    return _right(X, valid_lens)


def lengths_of_the_queries(X, valid_lens=None):
    """You masked queries too, so rows past the length get nothing. Is it queries or keys that a length counts?"""
    weights = _right(X, valid_lens)
    if valid_lens is None or valid_lens.dim() == 2:
        return weights
    return weights * (torch.arange(X.shape[1], device=X.device)[:, None] < valid_lens[:, None, None])


def batch_maximum_for_all(X, valid_lens=None):
    """You used the longest length for the whole batch. What does the shortest example then look at?"""
    return _right(X, None if valid_lens is None else valid_lens.amax().expand(len(X)))


def first_example_for_all(X, valid_lens=None):
    """You used the lengths of the first example for the whole batch. Which axis of `valid_lens` did you lose?"""
    return _right(X, None if valid_lens is None else valid_lens[:1].expand_as(valid_lens))


def first_query_for_all(X, valid_lens=None):
    """You used the length of the first query for all of its example. What do the other columns of `valid_lens` say?"""
    return _right(X, valid_lens if valid_lens is None or valid_lens.dim() == 1 else valid_lens[:, 0])


def one_length_per_example_only(X, valid_lens=None):
    """You handle lengths of shape `(batch,)` only. Which axis does `(batch, queries)` lack to meet the positions?"""
    return _right(X, None if valid_lens is None else valid_lens[:, None].expand(X.shape[:2]))


def lengths_required(X, valid_lens):
    """Your code fails when there are no lengths. What does `valid_lens=None` mean for the keys?"""
    return _right(X, valid_lens.clone())


def lengths_used_as_indices(X, valid_lens=None):
    """You mark the end of a row at the index `valid_lens`. What if the length is larger than the number of keys, or no
    int64?
    """
    if valid_lens is None:
        return X.softmax(-1)
    ends = one_hot(valid_lens.reshape(len(X), -1), X.shape[-1] + 1)
    padded = (ends.cumsum(-1)[..., :-1] > 0).expand(X.shape)
    return X.masked_fill(padded, -torch.inf).softmax(-1).masked_fill(padded, 0.0)


def no_maximum_subtracted(X, valid_lens=None):
    """You computed exponentials of the bare scores, and these overflow. What may be subtracted from all scores of a row
    without changing its weights?
    """
    shares = X.masked_fill(_padded(X, valid_lens), -torch.inf).exp()
    return shares / shares.sum(-1, keepdim=True)


def softened_denominator(X, valid_lens=None):
    """You added a small constant to the sum of exponentials, so rows no longer sum to 1. Which rows did it help, and
    can these be treated apart?
    """
    scores = X.masked_fill(_padded(X, valid_lens), -torch.inf)
    shares = (scores - scores.amax(-1, keepdim=True)).exp()
    return shares / (shares.sum(-1, keepdim=True) + 1e-3)


def detached(X, valid_lens=None):
    """You cut the weights out of the graph, so nothing behind them can learn. Which call does that?"""
    return _right(X.detach(), valid_lens)


def hardest_key_only(X, valid_lens=None):
    """You gave the whole weight to the largest score. What should the second largest get?"""
    scores = X.masked_fill(_padded(X, valid_lens), -torch.inf)
    return one_hot(scores.argmax(-1), X.shape[-1]).to(X.dtype) + 0.0 * X


def cast_to_float32(X, valid_lens=None):
    """You returned float32 whatever came in. Which dtype do the values have that these weights will meet?"""
    return _right(X.float(), valid_lens)


def rows_left_in_one_list(X, valid_lens=None):
    """You put the rows of all examples into one list and left them there. How do they find back to their examples?"""
    return _right(X, valid_lens).flatten(0, 1)


def axes_of_size_one_dropped(X, valid_lens=None):
    """You squeezed the result, and with a batch of 1 or a single query an axis is gone. Which shape was promised?"""
    return _right(X, valid_lens).squeeze()


@misconception(group="robust")
def padding_overwritten_in_place(X, valid_lens=None):
    """You wrote -1,000,000 into the caller's scores, as the book does. What if the caller still needs them?"""
    X[_padded(X, valid_lens)] = -1e6
    return X.softmax(-1)


@misconception(group="robust")
def minus_infinity_in_place(X, valid_lens=None):
    """You wrote minus infinity into the caller's scores. What if the caller still needs them, or they are a leaf?"""
    padded = _padded(X, valid_lens)
    return X.masked_fill_(padded, -torch.inf).softmax(-1).masked_fill(padded, 0.0)


@misconception(group="robust")
def lengths_clamped_in_place(X, valid_lens=None):
    """You cut the caller's lengths down to the number of keys. Which method makes a new tensor instead?"""
    return _right(X, None if valid_lens is None else valid_lens.clamp_(max=X.shape[-1]))


@misconception(group="robust")
def minus_a_million(X, valid_lens=None):
    """You masked with a large negative number. Where does the weight go in a row that holds nothing but this number, or
    valid scores below it?
    """
    lowest = max(-1e6, torch.finfo(X.dtype).min)
    return X.masked_fill(_padded(X, valid_lens), lowest).softmax(-1)


@misconception(group="robust")
def lowest_number_for_empty_rows(X, valid_lens=None):
    """You masked with the lowest number there is, so a row without keys is spread evenly over its padding. Whose weight
    should that be?
    """
    return X.masked_fill(_padded(X, valid_lens), torch.finfo(X.dtype).min).softmax(-1)


@misconception(group="robust")
def nan_in_empty_rows(X, valid_lens=None):
    """A row without any valid key becomes NaN: it is 0 / 0. Which weights say that there is nothing to look at?"""
    return X.masked_fill(_padded(X, valid_lens), -torch.inf).softmax(-1)


@misconception(group="robust")
def nan_in_the_gradient_of_empty_rows(X, valid_lens=None):
    """Your weights are right, but in a row without keys the gradient is NaN and will reach every parameter. Does
    anything stop it on its way back to X?
    """
    bias = torch.zeros_like(X).masked_fill(_padded(X, valid_lens), -torch.inf)
    return (X + bias).softmax(-1).nan_to_num()
