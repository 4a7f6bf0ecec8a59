"""Ways to get additive attention wrong."""

import math

import torch
from scoring.additive_attention import AdditiveAttention
from scoring.masked_softmax import masked_softmax
from torch import nn

from headcheck.properties import misconception


class _Parts(AdditiveAttention):
    """The right layer in parts, each of which somebody gets wrong."""

    def forward(self, queries, keys, values, valid_lens=None):
        scores = self.score(self.combine(self.W_q(queries), self.W_k(keys)))
        self.attention_weights = self.normalise(scores, valid_lens)
        return self.pool(self.attention_weights, values)

    def combine(self, queries, keys):
        return torch.tanh(queries[:, :, None] + keys[:, None])

    def score(self, features):
        return self.w_v(features).squeeze(-1)

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens)

    def pool(self, weights, values):
        return self.dropout(weights) @ values


class no_tanh(_Parts):
    """You add query and key but never bend the sum. What does a softmax do with a number that all its scores share?"""

    def combine(self, queries, keys):
        return queries[:, :, None] + keys[:, None]


class relu_for_tanh(_Parts):
    """You bend the sum with a ReLU, which forgets whatever is negative. Which function does the formula name?"""

    def combine(self, queries, keys):
        return torch.relu(queries[:, :, None] + keys[:, None])


class sigmoid_for_tanh(_Parts):
    """You bend the sum with a sigmoid, which is never negative. Which function does the formula name?"""

    def combine(self, queries, keys):
        return torch.sigmoid(queries[:, :, None] + keys[:, None])


class tanh_before_the_sum(_Parts):
    """You bend query and key each by itself and add afterwards. Can the query still change which key wins?"""

    def combine(self, queries, keys):
        return torch.tanh(queries)[:, :, None] + torch.tanh(keys)[:, None]


class tanh_on_the_score(_Parts):
    """You bend the finished score, so none can leave the range from -1 to 1. What should the tanh act on?"""

    def combine(self, queries, keys):
        return queries[:, :, None] + keys[:, None]

    def score(self, features):
        return torch.tanh(self.w_v(features).squeeze(-1))


class tanh_twice(_Parts):
    """You bend the hidden sum and then the score again. What is the last thing that happens to a score?"""

    def score(self, features):
        return torch.tanh(self.w_v(features).squeeze(-1))


class multiplied(_Parts):
    """You multiply query and key in the hidden space. What gave additive attention its name?"""

    def combine(self, queries, keys):
        return torch.tanh(queries[:, :, None] * keys[:, None])


class subtracted(_Parts):
    """You take the key from the query instead of adding it. What sign does the formula have?"""

    def combine(self, queries, keys):
        return torch.tanh(queries[:, :, None] - keys[:, None])


class query_left_out(_Parts):
    """Your scores look at the keys alone. Who is asking?"""

    def combine(self, queries, keys):
        return torch.tanh(keys)[:, None].expand(-1, queries.shape[1], -1, -1)


class summed_for_w_v(_Parts):
    """You add the hidden units up and never use `w_v`. What may tell the layer which units matter?"""

    def score(self, features):
        return features.sum(-1)


class divided_by_the_root(_Parts):
    """You divide the scores by the root of `num_hiddens`. Which other attention is that from?"""

    def score(self, features):
        return self.w_v(features).squeeze(-1) / math.sqrt(features.shape[-1])


class squeezed_everything(_Parts):
    """You remove every axis of size 1, also the batch's when there is one example. Which axis did you mean?"""

    def score(self, features):
        return self.w_v(features).squeeze()


class axes_exchanged_by_reshape(_Parts):
    """You build the scores with keys before queries and reshape them. Does a reshape move a single number?"""

    def combine(self, queries, keys):
        features = torch.tanh(queries[:, None] + keys[:, :, None])
        return features.reshape(len(queries), queries.shape[1], keys.shape[1], -1)


class with_biases(_Parts):
    """Your linear maps have biases. How many numbers may the layer learn, and what does `nn.Linear` add by itself?"""

    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__(key_size, query_size, num_hiddens, dropout)
        self.W_k = nn.Linear(key_size, num_hiddens)
        self.W_q = nn.Linear(query_size, num_hiddens)
        self.w_v = nn.Linear(num_hiddens, 1)


class bias_on_w_v(_Parts):
    """Your `w_v` has a bias: one number added to all scores. Can a softmax notice it?"""

    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__(key_size, query_size, num_hiddens, dropout)
        self.w_v = nn.Linear(num_hiddens, 1)


class one_matrix_for_both(_Parts):
    """`W_q` and `W_k` are one and the same matrix here. What if a query has more numbers than a key?"""

    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__(key_size, query_size, num_hiddens, dropout)
        self.W_q = self.W_k


class sizes_exchanged(_Parts):
    """Your constructor takes the query's size for the key's. In which order do its arguments come?"""

    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__(query_size, key_size, num_hiddens, dropout)


class keys_through_W_q(_Parts):
    """You project the keys with `W_q`, and `W_k` never learns. Which matrix is whose?"""

    def forward(self, queries, keys, values, valid_lens=None):
        scores = self.score(self.combine(self.W_q(queries), self.W_q(keys)))
        self.attention_weights = masked_softmax(scores, valid_lens)
        return self.dropout(self.attention_weights) @ values


class lengths_ignored(_Parts):
    """You never look at `valid_lens`, so padding takes part. Who needs them?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(-1)


class mask_after_softmax(_Parts):
    """You zero the padding after the softmax, so the rest of a row no longer sums to 1. When should the mask act?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(-1) * (masked_softmax(torch.zeros_like(scores), valid_lens) > 0)


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


class averaged_over_keys(_Parts):
    """You divide by the number of keys although the weights sum to 1. What is the sum of an average's weights?"""

    def pool(self, weights, values):
        return self.dropout(weights) @ values / values.shape[1]


class a_pair_returned(AdditiveAttention):
    """You return the weights beside the output. Where does the task want them kept?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, values, valid_lens), self.attention_weights


class scores_stored(_Parts):
    """`attention_weights` holds the scores, not the weights. What comes out of the softmax?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        self.attention_weights = self.score(self.combine(self.W_q(queries), self.W_k(keys)))
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
    """No gradient passes your weights, so the three matrices never learn. Where is the graph cut?"""

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


class dropout_on_the_scores(_Parts):
    """You drop scores before the softmax. Is a score of 0 the same as no attention?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(self.dropout(scores), valid_lens)

    def pool(self, weights, values):
        return weights @ values


class dropout_on_the_features(_Parts):
    """You drop hidden units of the comparison. On what does the task want dropout to act?"""

    def combine(self, queries, keys):
        return self.dropout(super().combine(queries, keys))

    def pool(self, weights, values):
        return weights @ values


class callers_padding_cleared(_Parts):
    """You set padding to zero inside the caller's own values. Whose tensor is that?"""

    def pool(self, weights, values):
        values[(weights == 0).all(1)] = 0.0
        return self.dropout(weights) @ values


class always_float32(_Parts):
    """Your weights are float32 whatever comes in. Which dtype does the caller expect?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores.float(), valid_lens)

    def pool(self, weights, values):
        return self.dropout(weights) @ values.float()


class filled_in_one_by_one(_Parts):
    """You fill a tensor of zeros, and that is float32 whatever comes in. Where could it take its dtype from?"""

    def score(self, features):
        scores = torch.zeros(features.shape[:3])
        for key in range(features.shape[2]):
            scores[:, :, key] = self.w_v(features[:, :, key]).squeeze(-1)
        return scores


@misconception(group="robust")
class lengths_demanded(_Parts):
    """Your `forward` insists on `valid_lens`. What could stand for "no padding at all"?"""

    def forward(self, queries, keys, values, valid_lens):
        return super().forward(queries, keys, values, valid_lens)


@misconception(group="robust")
class even_without_keys(_Parts):
    """A query without a valid key looks evenly at the padding. What should it see instead?"""

    def normalise(self, scores, valid_lens):
        return scores.masked_fill(
            masked_softmax(torch.zeros_like(scores), valid_lens) == 0, torch.finfo(scores.dtype).min
        ).softmax(-1)


@misconception(group="robust")
class nan_without_keys(_Parts):
    """A row in which every score is minus infinity becomes NaN. What is 0 / 0, and who meets it?"""

    def normalise(self, scores, valid_lens):
        return scores.masked_fill(masked_softmax(torch.zeros_like(scores), valid_lens) == 0, -torch.inf).softmax(-1)
