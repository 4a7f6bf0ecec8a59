"""Ways to measure distances wrongly, or dearly."""

import torch
from bonus.distance_attention import DistanceAttention
from scoring.masked_softmax import masked_softmax
from torch import nn


class _Parts(DistanceAttention):
    """The right layer in parts, each of which somebody gets wrong."""

    def forward(self, queries, keys, values, valid_lens=None):
        self.attention_weights = masked_softmax(self.score(queries, keys), valid_lens)
        return self.dropout(self.attention_weights) @ values

    def score(self, queries, keys):
        return queries @ keys.mT - self.norms(queries, keys) / 2

    def norms(self, queries, keys):
        return keys.square().sum(-1)[:, None]


class key_norms_forgotten(_Parts):
    """You score by the dot product alone, and long keys look near. Which other part of the distance has a key in it?"""

    def norms(self, queries, keys):
        return 0


class key_norms_added(_Parts):
    """You add the norms of the keys, so long ones look near. Which sign has |k|^2 in minus half the distance?"""

    def norms(self, queries, keys):
        return -super().norms(queries, keys)


class half_forgotten(_Parts):
    """You take the whole norm off a single dot product. With what factor does q . k stand in the square?"""

    def norms(self, queries, keys):
        return 2 * super().norms(queries, keys)


class whole_distance(_Parts):
    """You score by the whole squared distance. What does the task take of it?"""

    def score(self, queries, keys):
        return 2 * super().score(queries, keys)


class norms_not_squared(_Parts):
    """You take the length of the keys, not its square. What is k . k?"""

    def norms(self, queries, keys):
        return keys.norm(dim=-1)[:, None]


class distance_itself(_Parts):
    """You score by the distance, not by its square. Which of the two is a dot product and two norms?"""

    def score(self, queries, keys):
        return -torch.cdist(queries, keys)


class far_keys_win(_Parts):
    """Your farthest key gets the largest weight. Which sign should a distance have?"""

    def score(self, queries, keys):
        return -super().score(queries, keys)


class query_norms_for_key_norms(_Parts):
    """You take off the norms of the queries, which no softmax over the keys can see. Whose norms differ along a row?"""

    def norms(self, queries, keys):
        return queries.square().sum(-1)[..., None]


class query_norms_along_the_keys(_Parts):
    """You lay the norms of the queries along the axis of the keys. Which number of the row is whose?"""

    def norms(self, queries, keys):
        norms = queries.square().sum(-1)
        return norms.mean(1)[:, None, None] * torch.arange(keys.shape[1]).to(norms) + super().norms(queries, keys)


class norms_of_values(DistanceAttention):
    """You take off the norms of the values. Do the values take part in a distance?"""

    def forward(self, queries, keys, values, valid_lens=None):
        scores = queries @ keys.mT - values.square().sum(-1)[:, None] / 2
        self.attention_weights = masked_softmax(scores, valid_lens)
        return self.dropout(self.attention_weights) @ values


class norms_of_the_first_example(_Parts):
    """You use the first example's norms for all. Which axis is the batch?"""

    def norms(self, queries, keys):
        return super().norms(queries, keys)[:1]


class norms_of_the_whole_batch(_Parts):
    """You sum the norms over the batch. Whose key is how long?"""

    def norms(self, queries, keys):
        return super().norms(queries, keys).sum(0, keepdim=True)


class scaled_by_the_root(_Parts):
    """You divide by the root of the width. Does a Gaussian of width 1?"""

    def score(self, queries, keys):
        return super().score(queries, keys) / queries.shape[-1] ** 0.5


class mean_of_squares(_Parts):
    """You average the squares over the width. Is a distance a mean or a sum?"""

    def score(self, queries, keys):
        return super().score(queries, keys) / queries.shape[-1]


class a_difference_for_every_pair(_Parts):
    """Your numbers are right, but you make a vector for every pair. Which products are enough?"""

    def score(self, queries, keys):
        return -(queries[:, :, None] - keys[:, None]).square().sum(-1) / 2


class one_example_at_a_time(_Parts):
    """You loop over the batch. What does a batched product do?"""

    def score(self, queries, keys):
        return torch.stack([q @ k.T - k.square().sum(-1) / 2 for q, k in zip(queries, keys, strict=True)])


class norms_detached(_Parts):
    """You cut the norms off the graph, so half of the keys' gradient is missing. What else depends on a key?"""

    def norms(self, queries, keys):
        return super().norms(queries, keys).detach()


class lengths_ignored(DistanceAttention):
    """You never look at `valid_lens`, so padding takes part. Who needs them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, values)


class learned_width(_Parts):
    """You let the layer learn a width. How many parameters should it have?"""

    def __init__(self, dropout):
        super().__init__(dropout)
        self.width = nn.Parameter(torch.ones(()))

    def score(self, queries, keys):
        return super().score(queries, keys) / self.width**2


class no_dropout(_Parts):
    """You never drop anything. What is `dropout` for?"""

    def __init__(self, dropout):
        super().__init__(0.0)


class dropout_always(_Parts):
    """You drop weights in eval mode as well. Who tells the layer that it is training?"""

    def forward(self, queries, keys, values, valid_lens=None):
        super().forward(queries, keys, values, valid_lens)
        return nn.functional.dropout(self.attention_weights, self.dropout.p) @ values


class dropped_weights_stored(_Parts):
    """You store the weights after dropout, full of holes. What would a heat map of them show?"""

    def forward(self, queries, keys, values, valid_lens=None):
        self.attention_weights = self.dropout(masked_softmax(self.score(queries, keys), valid_lens))
        return self.attention_weights @ values


class computed_in_float32(_Parts):
    """You compute in float32 whatever comes in. Which dtype should go out?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries.float(), keys.float(), values.float(), valid_lens)


class nothing_stored(DistanceAttention):
    """You do not keep the weights. Where does the task want them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        del self.attention_weights
        return output


class keys_squared_in_place(DistanceAttention):
    """You square the caller's keys in place. Whose are they?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        if not keys.requires_grad:
            keys.square_()
        return output
