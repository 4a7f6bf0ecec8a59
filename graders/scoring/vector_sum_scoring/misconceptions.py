"""Ways to get scoring by a sum, and its measurement, wrong."""

import copy
from math import sqrt

import torch
from given.recall import recall_batch, recall_loss
from scoring.masked_softmax import masked_softmax
from torch import nn

from headcheck.properties import misconception


class _Sum(nn.Module):
    """Scoring by a sum in steps, so that each misconception changes one of them."""

    def __init__(self, size, dropout):
        super().__init__()
        self.w = nn.Linear(size, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def score(self, queries, keys):
        return self.w(queries) + self.w(keys).transpose(1, 2)

    def weigh(self, scores, valid_lens):
        return masked_softmax(scores, valid_lens)

    def pool(self, values):
        return self.dropout(self.attention_weights) @ values

    def forward(self, queries, keys, values, valid_lens=None):
        self.attention_weights = self.weigh(self.score(queries, keys), valid_lens)
        return self.pool(values)


@misconception(of="SumAttention")
class tanh_of_the_sum(_Sum):
    """You put a tanh around the sum, which makes it additive attention. Is a sum in there still only a sum outside?"""

    def score(self, queries, keys):
        return self.w((queries[:, :, None] + keys[:, None]).tanh()).squeeze(-1)


@misconception(of="SumAttention", trains=True)
class relu_of_the_sum(_Sum):
    """You cut the sum off at 0. Can the query now decide which features of a key count?"""

    def score(self, queries, keys):
        return self.w((queries[:, :, None] + keys[:, None]).relu()).squeeze(-1)


@misconception(of="SumAttention", trains=True)
class product_for_sum(_Sum):
    """You multiplied query and key where the score adds them. Which of the two lets the query choose?"""

    def score(self, queries, keys):
        return self.w(queries[:, :, None] * keys[:, None]).squeeze(-1)


@misconception(of="SumAttention", trains=True)
class scores_multiplied(_Sum):
    """You scored query and key one by one and multiplied the two numbers. Which operation stands in the formula?"""

    def score(self, queries, keys):
        return self.w(queries) * self.w(keys).transpose(1, 2)


@misconception(of="SumAttention")
class difference_for_sum(_Sum):
    """You took the query minus the key. Which keys win when the sign of their score is turned around?"""

    def score(self, queries, keys):
        return self.w(queries) - self.w(keys).transpose(1, 2)


@misconception(of="SumAttention")
class bias_in_the_score(_Sum):
    """Your `w` has a bias. What does a number that is added to every score do to a softmax?"""

    def __init__(self, size, dropout):
        super().__init__(size, dropout)
        self.w = nn.Linear(size, 1)


@misconception(of="SumAttention")
class vector_for_each(_Sum):
    """You gave query and key a scoring vector each. How many does `w . (q + k)` have?"""

    def __init__(self, size, dropout):
        super().__init__(size, dropout)
        self.w_q = nn.Linear(size, 1, bias=False)

    def score(self, queries, keys):
        return self.w_q(queries) + self.w(keys).transpose(1, 2)


@misconception(of="SumAttention")
class divided_by_the_root(_Sum):
    """You divided the sum by the root of the width, as for a dot product. Does this exercise's score ask for it?"""

    def score(self, queries, keys):
        return super().score(queries, keys) / sqrt(keys.shape[-1])


@misconception(of="SumAttention")
class keys_forgotten(_Sum):
    """Your score holds only the query. What does a softmax make of a row of equal numbers?"""

    def score(self, queries, keys):
        return self.w(queries).expand(-1, -1, keys.shape[1])


@misconception(of="SumAttention")
class keys_pooled(_Sum):
    """You averaged the keys. They only decide where to look; what is it that one finds there?"""

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, keys, valid_lens)


@misconception(of="SumAttention")
class softmax_over_the_queries(_Sum):
    """Your weights sum to 1 over the queries. Among what does one query divide its attention?"""

    def weigh(self, scores, valid_lens):
        weights = masked_softmax(scores, valid_lens)
        return weights / weights.sum(1, keepdim=True).clamp_min(1e-9)


@misconception(of="SumAttention")
class mask_ignored(_Sum):
    """You never used `valid_lens`, so padding takes part. Which of the functions you wrote knows what to do with it?"""

    def weigh(self, scores, valid_lens):
        return scores.softmax(-1)


@misconception(of="SumAttention")
class mask_after_the_softmax(_Sum):
    """You masked the finished weights, so what is left of a row no longer sums to 1. When should the mask act?"""

    def weigh(self, scores, valid_lens):
        return scores.softmax(-1) * (masked_softmax(scores, valid_lens) > 0)


@misconception(of="SumAttention")
class keys_normalised(_Sum):
    """You brought every key to length 1 first. Does the formula say anything of lengths?"""

    def score(self, queries, keys):
        return super().score(queries, nn.functional.normalize(keys, dim=-1))


@misconception(of="SumAttention")
class axes_squeezed(_Sum):
    """You squeezed away every axis of length 1, even the caller's. What happens when there is only one query?"""

    def pool(self, values):
        return super().pool(values).squeeze()


@misconception(of="SumAttention")
class dropout_on_the_output(_Sum):
    """You dropped features of the output, where whole keys should be dropped. What would equal features tell you?"""

    def pool(self, values):
        return self.dropout(self.attention_weights @ values)


@misconception(of="SumAttention")
class dropout_before_storing(_Sum):
    """The weights you store have been through dropout. What would somebody see who plots them in training?"""

    def weigh(self, scores, valid_lens):
        return self.dropout(masked_softmax(scores, valid_lens))

    def pool(self, values):
        return self.attention_weights @ values


@misconception(of="SumAttention")
class stored_weights_detached(_Sum):
    """You detached the weights that you stored. What if somebody wants a loss on them?"""

    def pool(self, values):
        output = super().pool(values)
        self.attention_weights = self.attention_weights.detach()
        return output


@misconception(of="SumAttention")
class vector_cut_from_the_graph(_Sum):
    """No gradient reaches your `w`, so it stays as it was drawn. Where did you leave the graph?"""

    def score(self, queries, keys):
        w = self.w.weight.data.T
        return queries @ w + (keys @ w).transpose(1, 2)


@misconception(of="SumAttention", group="robust")
class padding_wiped_in_the_callers_values(_Sum):
    """You set padded values to 0 in the caller's own tensor. Who else may still need them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        output = super().forward(queries, keys, values, valid_lens)
        if valid_lens is not None:
            values[(self.attention_weights == 0).all(1)] = 0
        return output


@misconception(of="SumAttention", group="robust")
class padding_filled_with_a_large_number(_Sum):
    """You fill padded scores with -1e9. Does float16 hold that, and what becomes of a row that is all padding?"""

    def weigh(self, scores, valid_lens):
        if valid_lens is None:
            return scores.softmax(-1)
        padded = torch.arange(scores.shape[-1]) >= valid_lens.reshape(len(scores), -1, 1)
        return scores.masked_fill(padded, -1e9).softmax(-1)


def _weights(attention, queries, keys, values):
    attention(queries, keys, values)
    return attention.attention_weights


@misconception(of="query_effect")
def effect_taken_for_granted(attention, queries, keys, values):
    """You return 0 whatever the attention is. What would a dot product have answered?"""
    return 0.0


@misconception(of="query_effect")
def effect_on_the_outputs(attention, queries, keys, values):
    """You compared outputs. What do they show when all values are equal?"""
    outputs = attention(queries, keys, values)
    return (outputs.amax(1) - outputs.amin(1)).max().item()


@misconception(of="query_effect")
def effect_on_average(attention, queries, keys, values):
    """You averaged the differences, and so a single query that matters drowns. Which difference is asked for?"""
    weights = _weights(attention, queries, keys, values)
    return (weights.amax(1) - weights.amin(1)).mean().item()


@misconception(of="query_effect")
def effect_summed_over_the_keys(attention, queries, keys, values):
    """You summed the differences over the keys. Which single weight changes most?"""
    weights = _weights(attention, queries, keys, values)
    return (weights[:, :, None] - weights[:, None]).abs().sum(-1).max().item()


@misconception(of="query_effect")
def effect_across_examples(attention, queries, keys, values):
    """You compared queries of different examples, which see different keys. Whose weights can be compared?"""
    weights = _weights(attention, queries, keys, values)
    return (weights.amax((0, 1)) - weights.amin((0, 1))).max().item()


@misconception(of="query_effect")
def effect_across_keys(attention, queries, keys, values):
    """You compared the weights of different keys for one query. What is it that has to vary here?"""
    weights = _weights(attention, queries, keys, values)
    return (weights.amax(2) - weights.amin(2)).max().item()


@misconception(of="query_effect")
def effect_between_neighbours(attention, queries, keys, values):
    """You compared each query with the next one only. Can the first and the last not be further apart?"""
    weights = _weights(attention, queries, keys, values)
    return weights.diff(dim=1).abs().max().item() if queries.shape[1] > 1 else 0.0


@misconception(of="query_effect")
def effect_with_a_sign(attention, queries, keys, values):
    """You kept the sign of the difference from the first query. Is a weight that falls not a change?"""
    weights = _weights(attention, queries, keys, values)
    return (weights - weights[:, :1]).max().item()


@misconception(of="query_effect")
def effect_as_a_tensor(attention, queries, keys, values):
    """You return a tensor where a number is asked for. Which method of a tensor makes it one?"""
    weights = _weights(attention, queries, keys, values)
    return (weights.amax(1) - weights.amin(1)).max()


@misconception(of="query_effect", group="robust")
def evaluation_mode_left_on(attention, queries, keys, values):
    """You switched the module to evaluation and left it there. What if its owner is in the middle of training it?"""
    weights = _weights(attention.eval(), queries, keys, values)
    return (weights.amax(1) - weights.amin(1)).max().item()


def _train(attention, seed, *, steps=200, batch=64, make=torch.optim.Adam, clear=True, sign=1):
    parameters = list(attention.parameters())
    if not parameters:
        return
    generator = torch.Generator().manual_seed(seed)
    optimizer = make(parameters, lr=1e-2)
    for _ in range(steps):
        queries, keys, values, targets = recall_batch(batch, generator=generator)
        loss = sign * recall_loss(attention(queries, keys, values), targets)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _measure(attention, seed, count=1000):
    queries, keys, values, targets = recall_batch(count, generator=torch.Generator().manual_seed(seed))
    outputs = attention(queries, keys, values)[:, 0]
    return (outputs.argmax(-1) == targets).double().mean().item()


@misconception(of="recall_accuracy")
def nothing_to_train_overlooked(attention, *, seed=0):
    """You hand the optimizer the parameters of a module that has none. What does it say to an empty list?"""
    torch.optim.Adam(attention.parameters(), lr=1e-2)
    _train(attention, seed)
    return _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def accuracy_in_per_cent(attention, *, seed=0):
    """You return per cent. What is the accuracy of somebody who is always right, in this exercise?"""
    _train(attention, seed)
    return 100 * _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def error_for_accuracy(attention, *, seed=0):
    """You return how often it is wrong. Should a better module get the larger or the smaller number?"""
    _train(attention, seed)
    return 1 - _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def key_taken_for_its_class(attention, *, seed=0):
    """You compared the place of the heaviest key with the target. How does one get from a key to its class?"""
    _train(attention, seed)
    queries, keys, values, targets = recall_batch(1000, generator=torch.Generator().manual_seed(seed + 1))
    attention.eval()(queries, keys, values)
    return (attention.attention_weights[:, 0].argmax(-1) == targets).double().mean().item()


@misconception(of="recall_accuracy")
def measured_in_training_mode(attention, *, seed=0):
    """You measured with dropout still at work. Who tells the module that training is over?"""
    _train(attention, seed)
    return _measure(attention.train(), seed + 1)


@misconception(of="recall_accuracy")
def never_trained(attention, *, seed=0):
    """You measured the module as it came. What about one that has parameters?"""
    return _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def copy_trained(attention, *, seed=0):
    """You trained a copy, so the module handed to you is as untrained as before. Whose parameters should move?"""
    attention = copy.deepcopy(attention)
    _train(attention, seed)
    return _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def measured_on_the_training_data(attention, *, seed=0):
    """You measured on data from training. What does such an accuracy say of examples that nobody has seen?"""
    _train(attention, seed)
    return _measure(attention.eval(), seed)


@misconception(of="recall_accuracy")
def measured_on_one_batch(attention, *, seed=0):
    """You measured on 64 examples. How far is such a frequency from the truth, roughly?"""
    _train(attention, seed)
    return _measure(attention.eval(), seed + 1, 64)


@misconception(of="recall_accuracy")
def seed_ignored(attention, *, seed=0):
    """You draw the same data whatever the seed is. What did the caller want to learn by passing another one?"""
    _train(attention, 0)
    return _measure(attention.eval(), 1)


@misconception(of="recall_accuracy")
def loss_increased(attention, *, seed=0):
    """Your steps make the loss larger. Which way does an optimizer walk, and on what?"""
    _train(attention, seed, sign=-1)
    return _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def gradients_piled_up(attention, *, seed=0):
    """Each of your steps still carries the gradients of all earlier ones. Who clears them?"""
    _train(attention, seed, clear=False)
    return _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def plain_gradient_descent(attention, *, seed=0):
    """You took small steps of plain gradient descent. How far do 200 of them get, compared with Adam's?"""
    _train(attention, seed, make=torch.optim.SGD)
    return _measure(attention.eval(), seed + 1)


@misconception(of="recall_accuracy")
def stopped_early(attention, *, seed=0):
    """You stopped after 20 steps. Has the loss settled by then?"""
    _train(attention, seed, steps=20)
    return _measure(attention.eval(), seed + 1)
