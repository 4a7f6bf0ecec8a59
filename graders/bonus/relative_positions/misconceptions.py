"""Ways to get relative positions wrong."""

from math import sqrt

import torch
from bonus.relative_positions import RelativeAttention
from scoring.masked_softmax import masked_softmax
from torch import nn

from headcheck.properties import misconception


class _Parts(RelativeAttention):
    """The right layer in parts, each of which somebody gets wrong."""

    def forward(self, queries, keys, values, valid_lens=None):
        i = torch.arange(queries.shape[1], device=queries.device)
        j = torch.arange(keys.shape[1], device=keys.device)
        vectors = self.vectors(i[:, None], j[None, :])  # (queries, keys, d)
        self.attention_weights = self.normalise(self.score(queries, keys, vectors), valid_lens)
        return self.pool(self.attention_weights, values, vectors)

    def vectors(self, i, j):
        return self.offsets(self.row(self.offset(i, j)))

    def offset(self, i, j):
        return j - i

    def row(self, offset):
        return offset.clamp(-self.clip, self.clip) + self.clip

    def score(self, queries, keys, vectors):
        return (queries @ keys.mT + self.position(queries, keys, vectors)) / sqrt(queries.shape[-1])

    def position(self, queries, keys, vectors):
        return torch.einsum("bqd,qkd->bqk", queries, vectors)

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens)

    def pool(self, weights, values, vectors):
        return weights @ values


class offset_turned_round(_Parts):
    """You subtract the key's position from the query's, so ahead and behind change places. Which offset has the key
    after the query?
    """

    def offset(self, i, j):
        return i - j


class distance_without_direction(_Parts):
    """You look at the distance only, so the key before and the key after are the same to you. What is the sign for?"""

    def offset(self, i, j):
        return (j - i).abs()


class key_position(_Parts):
    """You look up where the key is, not how far it is from the query. What if the whole sequence moves?"""

    def row(self, offset):
        return offset.clamp(max=2 * self.clip)

    def offset(self, i, j):
        return j.expand(len(i), -1)


class query_position(_Parts):
    """You look up where the query is, and add the same number to all its scores. What does a softmax make of that?"""

    def row(self, offset):
        return offset.clamp(max=2 * self.clip)

    def offset(self, i, j):
        return i.expand(-1, j.shape[1])


class aligned_at_the_end(_Parts):
    """You let the last query stand beside the last key. Where do both sequences begin?"""

    def offset(self, i, j):
        return j - i - (j.shape[1] - len(i))


class counted_from_1(_Parts):
    """Your keys start at position 1. Which offset has a key at the query's own place?"""

    def offset(self, i, j):
        return j + 1 - i


class wrapped_around(_Parts):
    """Beyond the clip you start again at the other end of the table. Which vector do all far keys share?"""

    def row(self, offset):
        return (offset + self.clip) % (2 * self.clip + 1)


class not_clipped(_Parts):
    """You look up every offset, and long sequences run off the table. Where do the far ones belong?"""

    def row(self, offset):
        return offset + self.clip


class clipped_one_too_early(_Parts):
    """Your first and last rows are never used. Which offset is the last with a vector of its own?"""

    def row(self, offset):
        near = max(self.clip - 1, 0)
        return offset.clamp(-near, near) + self.clip


class clipped_ahead_only(_Parts):
    """You clip what is ahead, and let what is behind run off the table. How far behind can a key be?"""

    def row(self, offset):
        return offset.clamp(max=self.clip) + self.clip


class rows_clipped_not_offsets(_Parts):
    """You clip the row and not the offset, so row 0 is for all keys behind. Which row belongs to the offset 0?"""

    def row(self, offset):
        return offset.clamp(0, 2 * self.clip)


class rows_from_the_end(_Parts):
    """You use negative offsets as indices, so the offset 0 has row 0. Which row did the prompt give to -clip?"""

    def row(self, offset):
        return offset.clamp(-self.clip, self.clip) % (2 * self.clip + 1)


class nothing_beyond_the_clip(_Parts):
    """You add nothing for keys beyond the clip. Which vector do they share?"""

    def vectors(self, i, j):
        near = (self.offset(i, j).abs() <= self.clip)[..., None]
        return super().vectors(i, j) * near


class no_offsets(_Parts):
    """Your scores do not use the offsets. What else does each query multiply besides the keys?"""

    def position(self, queries, keys, vectors):
        return 0.0


class added_to_the_queries(_Parts):
    """You add the vectors to the queries, where they meet the keys. What do they belong to in the formula?"""

    def position(self, queries, keys, vectors):
        return torch.einsum("bkd,qkd->bqk", keys, vectors)


class added_to_both(_Parts):
    """You add the vectors to queries and keys. How many products are there when you multiply the brackets out, and how
    many does the formula have?
    """

    def position(self, queries, keys, vectors):
        both = torch.einsum("bqd,qkd->bqk", queries, vectors) + torch.einsum("bkd,qkd->bqk", keys, vectors)
        return both + (vectors**2).sum(-1)


class length_of_the_query_only(_Parts):
    """Your offsets meet the length of the query, not its direction. How should a query choose where to look?"""

    def position(self, queries, keys, vectors):
        return queries.norm(dim=-1, keepdim=True) * vectors.sum(-1)


class one_bias_for_all_queries(_Parts):
    """You add the same bias for every query. What should decide which offsets a query likes?"""

    def position(self, queries, keys, vectors):
        return vectors.sum(-1)


class content_left_out(_Parts):
    """You score by position alone. What are the keys for?"""

    def score(self, queries, keys, vectors):
        return self.position(queries, keys, vectors) / sqrt(queries.shape[-1]) + 0 * queries @ keys.mT


class position_not_scaled(_Parts):
    """You divide the products with the keys, but not those with the offsets. Where are the brackets in the formula?"""

    def score(self, queries, keys, vectors):
        return queries @ keys.mT / sqrt(queries.shape[-1]) + self.position(queries, keys, vectors)


class content_not_scaled(_Parts):
    """You divide the products with the offsets, but not those with the keys. Where are the brackets in the formula?"""

    def score(self, queries, keys, vectors):
        return queries @ keys.mT + self.position(queries, keys, vectors) / sqrt(queries.shape[-1])


class nothing_scaled(_Parts):
    """You do not divide the scores. What is the variance of a dot product?"""

    def score(self, queries, keys, vectors):
        return queries @ keys.mT + self.position(queries, keys, vectors)


class scaled_by_two_sums(_Parts):
    """You divide by the root of 2d, since there are two products. What does the formula divide by?"""

    def score(self, queries, keys, vectors):
        return super().score(queries, keys, vectors) / sqrt(2)


class divided_by_the_width(_Parts):
    """You divide by the width itself. Whose root makes the variance 1?"""

    def score(self, queries, keys, vectors):
        return super().score(queries, keys, vectors) / sqrt(queries.shape[-1])


class two_softmaxes(_Parts):
    """You normalise content and position each for itself and take the mean. How many softmaxes has the formula?"""

    def score(self, queries, keys, vectors):
        return queries @ keys.mT / sqrt(queries.shape[-1]), self.position(queries, keys, vectors)

    def normalise(self, scores, valid_lens):
        return sum(masked_softmax(part, valid_lens) for part in scores) / 2


class added_to_the_values(_Parts):
    """You add the vectors to the values as well. Where do positions take part?"""

    def __init__(self, d, clip):
        super().__init__(d, clip)
        self.mix = clip

    def pool(self, weights, values, vectors):
        position = torch.einsum("bqk,qkd->bqd", weights, vectors).mean(-1, keepdim=True)
        return weights @ values + position


class lengths_ignored(_Parts):
    """You let padded keys take part. What are valid_lens for?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(-1)


class masked_after_the_softmax(_Parts):
    """You mask the weights, which then no longer sum to 1. When should padding disappear?"""

    def normalise(self, scores, valid_lens):
        return scores.softmax(-1) * (masked_softmax(torch.zeros_like(scores), valid_lens) > 0)


class softmax_over_the_queries(_Parts):
    """You normalise over the queries. Whose weights sum to 1?"""

    def normalise(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens) * 0 + scores.softmax(1)


class no_future(_Parts):
    """You hide the keys ahead of the query. Who asked for that?"""

    def normalise(self, scores, valid_lens):
        ahead = torch.ones_like(scores, dtype=torch.bool).triu(1)
        return masked_softmax(scores.masked_fill(ahead, -1e4), valid_lens)


class fixed_offsets(_Parts):
    """Your vectors get no gradient. How are they learned?"""

    def vectors(self, i, j):
        return super().vectors(i, j).detach()


class weights_cut_from_the_graph(_Parts):
    """You stored the weights without their graph. What if a loss asks for them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        self.attention_weights = self.attention_weights.detach()
        return output


class scores_stored(_Parts):
    """You stored the scores. Where in the formula are the weights finished?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        self.attention_weights = self.attention_weights.clamp_min(1e-9).log()
        return output


class one_sided_table(_Parts):
    """Your table has clip + 1 rows. How many offsets are there when keys may also be behind?"""

    def __init__(self, d, clip):
        super().__init__(d, clip)
        self.offsets = nn.Embedding(clip + 1, d)

    def row(self, offset):
        return offset.abs().clamp(max=self.clip)


class projections_besides(_Parts):
    """You project the queries first. How many parameters should the layer have?"""

    def __init__(self, d, clip):
        super().__init__(d, clip)
        self.W_q = nn.Linear(d, d, bias=False)

    def score(self, queries, keys, vectors):
        return super().score(self.W_q(queries), keys, vectors)


class made_on_the_cpu(_Parts):
    """Your positions are always on the CPU. Where are the inputs?"""

    def row(self, offset):
        positions = torch.arange(-self.clip, self.clip + 1, device="cpu")
        return super().row(offset).to("cpu") + 0 * positions.sum()


class always_float32(_Parts):
    """You work in float32 whatever comes in. Which dtype do the inputs have?"""

    def score(self, queries, keys, vectors):
        return super().score(queries.float(), keys.float(), vectors.float())

    def pool(self, weights, values, vectors):
        return weights @ values.float()


class lengths_required(_Parts):
    """Your forward cannot do without valid_lens. What is its default?"""

    def forward(self, queries, keys, values, valid_lens):
        return super().forward(queries, keys, values, valid_lens)


class gradient_into_every_row(_Parts):
    """Your vectors share a mean, so every row learns from every pair. Which offsets did these sequences have?"""

    def vectors(self, i, j):
        return super().vectors(i, j) - self.offsets.weight.mean(0)


@misconception(group="robust")
class queries_scaled_in_place(_Parts):
    """You divided the caller's queries. What will the next layer compute with them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        if queries.requires_grad:
            return super().forward(queries, keys, values, valid_lens)
        queries /= sqrt(queries.shape[-1])
        return super().forward(queries * sqrt(queries.shape[-1]), keys, values, valid_lens)


@misconception(group="robust")
class empty_rows_spread_evenly(_Parts):
    """You mask with a large negative number, so a query that may see nothing sees everything. What should its output
    be?
    """

    def normalise(self, scores, valid_lens):
        if valid_lens is None:
            return scores.softmax(-1)
        positions = torch.arange(scores.shape[-1], device=scores.device)
        padded = positions >= valid_lens.reshape(len(scores), -1, 1)
        return scores.masked_fill(padded, torch.finfo(scores.dtype).min).softmax(-1)
