"""Ways to get bilinear attention wrong."""

from math import sqrt

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn

from headcheck.properties import misconception


class _Right(nn.Module):
    """Bilinear attention in steps, so that each misconception changes one of them."""

    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.W = nn.Linear(query_size, key_size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def project(self, queries):
        return self.W(queries)

    def score(self, queries, keys):
        return self.project(queries) @ keys.transpose(1, 2) / sqrt(keys.shape[-1])

    def weigh(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens)

    def pool(self, values):
        return self.dropout(self.attention_weights) @ values

    def forward(self, queries, keys, values, valid_lens=None):
        self.attention_weights = self.weigh(self.score(queries, keys), valid_lens)
        return self.pool(values)


class bias_in_the_projection(_Right):
    """Your `W` has a bias, so even a query of zeros prefers some keys to others. Is that still linear in the query?"""

    def __init__(self, query_size, key_size, dropout):
        super().__init__(query_size, key_size, dropout)
        self.W = nn.Linear(query_size, key_size)


class tanh_on_the_projection(_Right):
    """You squash the projected query, as additive attention does. What should the scores do when a query is doubled?"""

    def project(self, queries):
        return self.W(queries).tanh()


class relu_on_the_scores(_Right):
    """You cut negative scores off at 0, so keys that point away from the query look alike. Why not tell them apart?"""

    def score(self, queries, keys):
        return super().score(queries, keys).relu()


class unscaled(_Right):
    """You did not divide the scores. How does the size of a dot product grow with the length of its vectors?"""

    def score(self, queries, keys):
        return self.W(queries) @ keys.transpose(1, 2)


class scaled_by_the_query_size(_Right):
    """You divided by the root of the query's width. How many products does the sum run over after the projection?"""

    def score(self, queries, keys):
        return self.W(queries) @ keys.transpose(1, 2) / sqrt(queries.shape[-1])


class scaled_without_the_root(_Right):
    """You divided by the key's width. By what does the standard deviation of a sum of independent terms grow?"""

    def score(self, queries, keys):
        return self.W(queries) @ keys.transpose(1, 2) / keys.shape[-1]


class keys_projected(_Right):
    """You projected the keys to the width of the queries. Which of the two does the exercise take into whose space?"""

    def __init__(self, query_size, key_size, dropout):
        super().__init__(query_size, key_size, dropout)
        self.W = nn.Linear(key_size, query_size, bias=False)

    def score(self, queries, keys):
        return queries @ self.W(keys).transpose(1, 2) / sqrt(keys.shape[-1])


class both_projected(_Right):
    """You gave the keys a matrix of their own. What can two matrices in a row do that one cannot?"""

    def __init__(self, query_size, key_size, dropout):
        super().__init__(query_size, key_size, dropout)
        self.W_k = nn.Linear(key_size, key_size, bias=False)

    def score(self, queries, keys):
        return super().score(queries, self.W_k(keys))


class keys_normalised(_Right):
    """You brought every key to length 1, so a long key no longer counts more. Where does the formula say so?"""

    def score(self, queries, keys):
        return super().score(queries, nn.functional.normalize(keys, dim=-1))


@misconception(trains=True)
class keys_reshaped(_Right):
    """You reshaped the keys where you meant to transpose them. Which numbers stand in one column then?"""

    def score(self, queries, keys):
        batch, count, size = keys.shape
        return self.W(queries) @ keys.reshape(batch, size, count) / sqrt(size)


class mask_ignored(_Right):
    """You never used `valid_lens`, so padding takes part. Which of the functions you wrote knows what to do with it?"""

    def weigh(self, scores, valid_lens):
        return scores.softmax(-1)


class mask_after_the_softmax(_Right):
    """You masked the finished weights, so what is left of a row no longer sums to 1. When should the mask act?"""

    def weigh(self, scores, valid_lens):
        return scores.softmax(-1) * (masked_softmax(scores, valid_lens) > 0)


class first_length_for_all(_Right):
    """You used the first example's valid length for the whole batch. Whose length belongs to the second example?"""

    def weigh(self, scores, valid_lens):
        return masked_softmax(scores, None if valid_lens is None else valid_lens[:1].expand_as(valid_lens))


@misconception(trains=True)
class softmax_over_the_queries(_Right):
    """Your weights sum to 1 over the queries. Among what does one query divide its attention?"""

    def weigh(self, scores, valid_lens):
        weights = masked_softmax(scores, valid_lens)
        return weights / weights.sum(1, keepdim=True).clamp_min(1e-9)


@misconception(trains=True)
class sigmoid_for_softmax(_Right):
    """You gave every key a weight of its own between 0 and 1. What makes the keys of one query compete?"""

    def weigh(self, scores, valid_lens):
        return scores.sigmoid() * (masked_softmax(scores, valid_lens) > 0)


class keys_pooled(_Right):
    """You averaged the keys. They only decide where to look; what is it that one finds there?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, keys, valid_lens)


class query_axis_squeezed(_Right):
    """You squeezed away an axis of length 1 that was the caller's. What happens when there is only one query?"""

    def pool(self, values):
        return super().pool(values).squeeze()


class keys_cut_from_the_graph(_Right):
    """No gradient reaches your keys, so whatever made them learns nothing. Is a key a constant?"""

    def score(self, queries, keys):
        return super().score(queries, keys.detach())


@misconception(trains=True)
class projection_cut_from_the_graph(_Right):
    """No gradient reaches your `W`, so it stays as it was drawn. Where did you leave the graph?"""

    def project(self, queries):
        return queries @ self.W.weight.data.T


class dropout_forgotten(_Right):
    """You took a dropout rate and did nothing with it. What is to be dropped between the softmax and the output?"""

    def pool(self, values):
        return self.attention_weights @ values


class dropout_on_the_output(_Right):
    """You dropped features of the output, where whole keys should be dropped. What would equal features tell you?"""

    def pool(self, values):
        return self.dropout(self.attention_weights @ values)


class dropout_on_the_scores(_Right):
    """You dropped scores, but a score of 0 is still a score. What weight does such a key get from the softmax?"""

    def weigh(self, scores, valid_lens):
        return masked_softmax(self.dropout(scores), valid_lens)

    def pool(self, values):
        return self.attention_weights @ values


class dropout_before_storing(_Right):
    """The weights you store have been through dropout. What would somebody see who plots them in training?"""

    def weigh(self, scores, valid_lens):
        return self.dropout(masked_softmax(scores, valid_lens))

    def pool(self, values):
        return self.attention_weights @ values


class dropout_in_evaluation(_Right):
    """You drop weights in evaluation mode too. Who tells your dropout that training is over?"""

    def pool(self, values):
        return nn.functional.dropout(self.attention_weights, self.dropout.p) @ values


class stored_weights_detached(_Right):
    """You detached the weights that you stored. What if somebody wants a loss on them?"""

    def pool(self, values):
        output = super().pool(values)
        self.attention_weights = self.attention_weights.detach()
        return output


@misconception(group="robust")
class padding_wiped_in_the_callers_values(_Right):
    """You set padded values to 0 in the caller's own tensor. Who else may still need them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        if valid_lens is not None:
            values[(self.attention_weights == 0).all(1)] = 0
        return output


@misconception(group="robust")
class padding_filled_with_a_large_number(_Right):
    """You fill padded scores with -1e9. Does float16 hold that, and what becomes of a row that is all padding?"""

    def weigh(self, scores, valid_lens):
        if valid_lens is None:
            return scores.softmax(-1)
        padded = torch.arange(scores.shape[-1]) >= valid_lens.reshape(len(scores), -1, 1)
        return scores.masked_fill(padded, -1e9).softmax(-1)
