"""Ways to get scaled dot-product attention wrong."""

from math import sqrt

import torch
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import nn

from headcheck.properties import misconception


class _Parts(DotProductAttention):
    """The right layer in parts, each of which somebody gets wrong."""

    def forward(self, queries, keys, values, valid_lens=None):
        scores = self.score(queries, keys) / self.scale(queries, keys, values)
        self.attention_weights = self.normalise(scores, valid_lens)
        return self.pool(self.attention_weights, values)

    def score(self, queries, keys):
        return queries @ keys.transpose(1, 2)

    def scale(self, queries, keys, values):
        return sqrt(queries.shape[-1])

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens)

    def pool(self, weights, values):
        return self.dropout(weights) @ values


class no_scaling(_Parts):
    """You do not divide the scores, so wide vectors get all or nothing. What is the variance of a dot product?"""

    def scale(self, queries, keys, values):
        return 1.0


class divided_by_the_width(_Parts):
    """You divide by the width itself, so wide vectors leave all keys alike. Whose root makes the variance 1?"""

    def scale(self, queries, keys, values):
        return queries.shape[-1]


class multiplied_by_the_root(_Parts):
    """You multiply by the root of the width, and sharpen what should be softened. Which way does the scale go?"""

    def scale(self, queries, keys, values):
        return 1 / sqrt(queries.shape[-1])


class scaled_by_the_number_of_keys(_Parts):
    """You scale by the root of the number of keys. Over which axis does a dot product sum?"""

    def scale(self, queries, keys, values):
        return sqrt(keys.shape[1])


class scaled_by_the_number_of_queries(_Parts):
    """You scale by the root of the number of queries. Over which axis does a dot product sum?"""

    def scale(self, queries, keys, values):
        return sqrt(queries.shape[1])


class scaled_by_the_batch(_Parts):
    """You scale by the root of the batch size. Over which axis does a dot product sum?"""

    def scale(self, queries, keys, values):
        return sqrt(len(queries))


class scaled_by_the_value_size(_Parts):
    """You scale by the root of the values' width. Do the values take part in a score?"""

    def scale(self, queries, keys, values):
        return sqrt(values.shape[-1])


class scale_written_out(_Parts):
    """Your scale is a fixed number, right for one width only. Where can the forward pass read the width?"""

    def scale(self, queries, keys, values):
        return 8.0


class scaled_after_the_softmax(DotProductAttention):
    """You divide the finished weights, which then no longer sum to 1. What should be softened, and when?"""

    def forward(self, queries, keys, values, valid_lens=None):
        scores = queries @ keys.transpose(1, 2)
        self.attention_weights = masked_softmax(scores, valid_lens) / sqrt(queries.shape[-1])
        return self.dropout(self.attention_weights) @ values


class learned_scale(_Parts):
    """You let the layer learn its scale. How many parameters should it have?"""

    def __init__(self, dropout):
        super().__init__(dropout)
        self.temperature = nn.Parameter(torch.ones(()))

    def scale(self, queries, keys, values):
        return self.temperature * sqrt(queries.shape[-1])


class cosine_similarity(_Parts):
    """You compare directions only, so long queries are no surer than short ones. What else is in a dot product?"""

    def score(self, queries, keys):
        return nn.functional.normalize(queries, dim=-1) @ nn.functional.normalize(keys, dim=-1).transpose(1, 2)


class squared_distance(_Parts):
    """You score by the distance of query and key. When does the nearest key have the largest dot product?"""

    def score(self, queries, keys):
        return -(queries[:, :, None] - keys[:, None]).square().sum(-1) / 2


class absolute_scores(_Parts):
    """You take the absolute value of the scores. How does a query say that it wants the opposite of a key?"""

    def score(self, queries, keys):
        return super().score(queries, keys).abs()


class negative_scores(_Parts):
    """Your best match gets the smallest weight. Which sign should a good score have?"""

    def score(self, queries, keys):
        return -super().score(queries, keys)


class keys_reshaped(_Parts):
    """You reshape the keys to the transposed shape. Does a reshape move a single number?"""

    def score(self, queries, keys):
        return queries @ keys.reshape(len(keys), keys.shape[2], keys.shape[1])


class keys_averaged(_Parts):
    """You compare each query with the mean key, so all keys score the same. What has each key of its own?"""

    def score(self, queries, keys):
        return queries @ keys.mean(1, keepdim=True).expand_as(keys).transpose(1, 2)


class queries_averaged(_Parts):
    """You compare the keys with the mean query, so all queries get the same answer. Who is asking?"""

    def score(self, queries, keys):
        return queries.mean(1, keepdim=True).expand_as(queries) @ keys.transpose(1, 2)


class first_example_for_all(_Parts):
    """You compare every query with the first example's keys. Which axis is the batch?"""

    def score(self, queries, keys):
        return queries @ keys[0].T


class keys_pooled(DotProductAttention):
    """You average the keys. What is it that a key unlocks?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, keys, valid_lens)


class lengths_ignored(_Parts):
    """You never look at `valid_lens`, so padding takes part. Who needs them?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(-1)


class mask_after_softmax(_Parts):
    """You zero the padding after the softmax, so the rest of a row no longer sums to 1. When should the mask act?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(-1) * (masked_softmax(torch.zeros_like(scores), valid_lens) > 0)


class padded_scores_zeroed(_Parts):
    """You set the scores of padding to 0, and the exponential of 0 is 1. Which score has weight 0?"""

    def normalise(self, scores, valid_lens):
        return (scores * (masked_softmax(torch.zeros_like(scores), valid_lens) > 0)).softmax(-1)


class longest_example_for_all(_Parts):
    """You mask every example by the longest one. Whose padding do the short ones look at?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, None if valid_lens is None else valid_lens.max().expand(len(scores)))


class first_query_for_all(_Parts):
    """You use the first query's length for all queries of an example. What shape may `valid_lens` have?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens if valid_lens is None or valid_lens.ndim == 1 else valid_lens[:, 0])


class softmax_over_queries(_Parts):
    """You normalise over the queries. Among whom does one query share out its attention?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(1)


class softmax_twice(_Parts):
    """You put weights into a softmax again, which flattens them. How often is it needed?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(masked_softmax(scores, valid_lens), valid_lens)


class exponentials_by_hand(_Parts):
    """Your exponentials overflow when scores are large. What can be taken off all scores for free?"""

    def normalise(self, scores, valid_lens):
        exponentials = scores.exp() * (masked_softmax(torch.zeros_like(scores), valid_lens) > 0)
        return exponentials / exponentials.sum(-1, keepdim=True)


class averaged_over_keys(_Parts):
    """You divide by the number of keys although the weights sum to 1. What is the sum of an average's weights?"""

    def pool(self, weights, values):
        return self.dropout(weights) @ values / values.shape[1]


class a_pair_returned(DotProductAttention):
    """You return the weights beside the output. Where does the task want them kept?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, values, valid_lens), self.attention_weights


class scores_stored(_Parts):
    """`attention_weights` holds the scores, not the weights. What comes out of the softmax?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        self.attention_weights = self.score(queries, keys) / self.scale(queries, keys, values)
        return output


class dropped_weights_stored(_Parts):
    """You store the weights after dropout, full of holes. What would a heat map of them show?"""

    def pool(self, weights, values):
        self.attention_weights = self.dropout(weights)
        return self.attention_weights @ values


class stored_weights_detached(_Parts):
    """You cut the stored weights off the graph. What if a loss wants to act on them?"""

    def pool(self, weights, values):
        self.attention_weights = weights.detach()
        return self.dropout(weights) @ values


class weights_detached(_Parts):
    """No gradient passes your weights, so nothing before them can learn. Where is the graph cut?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens).detach()


class no_dropout(_Parts):
    """You take `dropout` and never use it. What should happen to some of the weights in training?"""

    def pool(self, weights, values):
        return weights @ values


class dropout_always_on(_Parts):
    """Your dropout goes on in eval mode. Who tells `F.dropout` that training is over?"""

    def pool(self, weights, values):
        return nn.functional.dropout(weights, self.dropout.p) @ values


class dropout_of_one_half(_Parts):
    """Your dropout is always one half, whatever the constructor was given. Where does its argument go?"""

    def pool(self, weights, values):
        return nn.functional.dropout(weights, 0.5, self.training) @ values


class dropout_unscaled(_Parts):
    """You drop weights, but the rest do not grow to make up for it. What is the expected sum of a row then?"""

    def pool(self, weights, values):
        if not self.training:
            return weights @ values
        return weights * (torch.rand_like(weights) >= self.dropout.p) @ values


class dropout_on_the_output(_Parts):
    """You drop numbers of the output, not weights. What is it that a query should sometimes do without?"""

    def pool(self, weights, values):
        return self.dropout(weights @ values)


class dropout_on_the_values(_Parts):
    """You drop numbers of the values, the same for all queries. On what does the task want dropout to act?"""

    def pool(self, weights, values):
        return weights @ self.dropout(values)


class dropout_on_the_scores(_Parts):
    """You drop scores before the softmax. Is a score of 0 the same as no attention?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(self.dropout(scores), valid_lens)

    def pool(self, weights, values):
        return weights @ values


class queries_scaled_in_place(DotProductAttention):
    """You divide the caller's own queries. Who else may still want them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        with torch.no_grad():
            queries /= sqrt(queries.shape[-1])
        self.attention_weights = masked_softmax(queries @ keys.transpose(1, 2), valid_lens)
        return self.dropout(self.attention_weights) @ values


class always_float32(_Parts):
    """Your weights are float32 whatever comes in. Which dtype does the caller expect?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores.float(), valid_lens)

    def pool(self, weights, values):
        return self.dropout(weights) @ values.float()


class lengths_demanded(DotProductAttention):
    """Your `forward` insists on `valid_lens`. What could stand for "no padding at all"?"""

    def forward(self, queries, keys, values, valid_lens):
        return super().forward(queries, keys, values, valid_lens)


@misconception(group="robust")
class even_without_keys(_Parts):
    """A query without a valid key looks evenly at the padding. What should it see instead?"""

    def normalise(self, scores, valid_lens):
        padded = masked_softmax(torch.zeros_like(scores), valid_lens) == 0
        return scores.masked_fill(padded, torch.finfo(scores.dtype).min).softmax(-1)


@misconception(group="robust")
class nan_without_keys(_Parts):
    """A row in which every score is minus infinity becomes NaN. What is 0 / 0, and who meets it?"""

    def normalise(self, scores, valid_lens):
        padded = masked_softmax(torch.zeros_like(scores), valid_lens) == 0
        return scores.masked_fill(padded, -torch.inf).softmax(-1)


@misconception(group="robust")
class nan_cleared_too_late(_Parts):
    """You clear the NaN of an empty row, but not the one in its gradient. What does the backward pass multiply 0 by?"""

    def normalise(self, scores, valid_lens):
        padded = masked_softmax(torch.zeros_like(scores), valid_lens) == 0
        return torch.nan_to_num((scores + torch.zeros_like(scores).masked_fill(padded, -torch.inf)).softmax(-1))
