"""Poolings that do not learn, do not pool, or do not look where they should."""

import torch
from torch import nn

from headcheck.properties import misconception


class _Right(nn.Module):
    """A width for each feature, in parts, each of which somebody gets wrong."""

    def __init__(self, num_features):
        super().__init__()
        self.w = nn.Parameter(torch.ones(num_features))

    def score(self, queries, keys, values):
        return -((queries[:, None] - keys) * self.w).square().sum(-1) / 2

    def weigh(self, scores):
        return scores.softmax(-1)

    def pool(self, weights, values):
        return (weights * values).sum(-1)

    def forward(self, queries, keys, values):
        self.attention_weights = self.weigh(self.score(queries, keys, values))
        return self.pool(self.attention_weights, values)


@misconception(trains=True)
class one_width_for_all(_Right):
    """All features share one width, so those that do not matter blur the one that does. What could differ between
    them?
    """

    def __init__(self, num_features):
        super().__init__(1)


class widths_never_used(_Right):
    """Your parameter takes no part in the weights. What would training change?"""

    def score(self, queries, keys, values):
        return -(queries[:, None] - keys).square().sum(-1) / 2


class widths_not_registered(_Right):
    """Your widths are a plain tensor, which no optimizer will find. What makes a tensor part of a module?"""

    def __init__(self, num_features):
        nn.Module.__init__(self)
        self.w = torch.ones(num_features)


class widths_in_a_list(_Right):
    """Your widths lie in a Python list, where a module does not look for parameters. What does nn.ParameterList do?"""

    def __init__(self, num_features):
        nn.Module.__init__(self)
        self.widths = [torch.ones((), requires_grad=True) for _ in range(num_features)]

    def score(self, queries, keys, values):
        return -((queries[:, None] - keys) * torch.stack(self.widths)).square().sum(-1) / 2


class widths_detached(_Right):
    """You take the widths as plain numbers, and training cannot reach them. Which call cuts a tensor off the graph?"""

    def score(self, queries, keys, values):
        return -((queries[:, None] - keys) * self.w.detach()).square().sum(-1) / 2


class zero_to_begin_with(_Right):
    """Your widths start at 0, where their square has no slope. Which way should the first step go?"""

    def __init__(self, num_features):
        super().__init__(num_features)
        nn.init.zeros_(self.w)


class spare_parameter(_Right):
    """You add one number to all scores of a query, and the softmax takes it away again. What does that number learn?"""

    def __init__(self, num_features):
        super().__init__(num_features)
        self.unused = nn.Parameter(torch.zeros(2))


class softmax_forgotten(_Right):
    """You use the kernel as it is, and it does not sum to 1. What turns a sum into an average?"""

    def weigh(self, scores):
        return scores.exp()


class scores_as_weights(_Right):
    """You use scores as weights. Which of them should be negative?"""

    def weigh(self, scores):
        return scores


class softmax_over_queries(_Right):
    """You normalise over the queries. Among whom does one query share out its attention?"""

    def weigh(self, scores):
        return scores.softmax(0)


class softmax_over_everything(_Right):
    """All queries together share one unit of attention. How much should each of them have?"""

    def weigh(self, scores):
        return scores.flatten().softmax(0).view_as(scores)


class signed_weights(_Right):
    """You divide scores by their sum, and some weights may become negative. Which function keeps them positive?"""

    def score(self, queries, keys, values):
        return (queries[:, None] * keys * self.w).sum(-1)

    def weigh(self, scores):
        return scores / scores.sum(-1, keepdim=True)


class hardest_key_only(_Right):
    """You take the nearest key alone, and a maximum has no slope. How would a width learn from that?"""

    def weigh(self, scores):
        return nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores)


class values_compared(_Right):
    """You let the values take part in the weights. What is known of them when something new is to be predicted?"""

    def score(self, queries, keys, values):
        return super().score(queries, keys, values) - (values - values.mean(-1, keepdim=True)).square()


@misconception(trains=True)
class first_feature_alone(_Right):
    """You look at the first feature only. Who told you that it is the one that matters?"""

    def score(self, queries, keys, values):
        return -((queries[:, None, 0] - keys[..., 0]) * self.w.sum()).square() / 2


class queries_ignored(_Right):
    """Your scores are linear in the difference, so the query falls out of the softmax. What if all scores of a query
    shift by the same amount?
    """

    def score(self, queries, keys, values):
        return -((queries[:, None] - keys) * self.w).sum(-1)


@misconception(trains=True)
class keys_ignored(_Right):
    """You score the queries alone, and all keys of a query come out alike. What is it to be compared with?"""

    def score(self, queries, keys, values):
        return ((queries * self.w).square().sum(-1, keepdim=True)).expand(keys.shape[:2])


class keys_of_the_first_query(_Right):
    """You compare every query with the keys of the first. Which axis do rows of keys lie along?"""

    def score(self, queries, keys, values):
        return super().score(queries, keys[:1], values)


class place_counts(_Right):
    """You prefer keys that stand early in their row. Is their order more than an accident?"""

    def score(self, queries, keys, values):
        return super().score(queries, keys, values) - 0.1 * torch.arange(keys.shape[1])


class neighbours_set_the_scale(_Right):
    """You scale by the mean over all queries, so each depends on who else asks. What if a query is alone?"""

    def score(self, queries, keys, values):
        scores = super().score(queries, keys, values)
        return scores / scores.mean().abs()


class mean_for_the_sum(_Right):
    """You divide by the number of keys although the weights sum to 1. How often must an average be divided?"""

    def pool(self, weights, values):
        return (weights * values).mean(-1)


class values_of_the_first_query(_Right):
    """You average the first query's values for all. Which axis do rows of values lie along?"""

    def pool(self, weights, values):
        return weights @ values[0]


class every_query_with_every_row(_Right):
    """You multiply the weights of every query with the values of every other. Which product stays within a row?"""

    def pool(self, weights, values):
        return (weights @ values.T).mean(-1)


class ones_squeezed_away(_Right):
    """You squeeze all axes of length 1, also when there is but one query. Which axis do you mean?"""

    def pool(self, weights, values):
        return torch.bmm(weights[:, None], values[..., None]).squeeze()


class scores_stored(_Right):
    """`attention_weights` holds the scores, not the weights. What comes out of the softmax?"""

    def forward(self, queries, keys, values):
        output = super().forward(queries, keys, values)
        self.attention_weights = self.score(queries, keys, values)
        return output


class stored_weights_detached(_Right):
    """You cut the stored weights off the graph. What if a loss wants to act on them?"""

    def forward(self, queries, keys, values):
        output = super().forward(queries, keys, values)
        self.attention_weights = self.attention_weights.detach()
        return output


class weights_kept_to_itself(nn.Module):
    """Your pooling does not store its weights. How can anybody see where it looks?"""

    def __init__(self, num_features):
        super().__init__()
        self.w = nn.Parameter(torch.ones(num_features))

    def forward(self, queries, keys, values):
        return ((-((queries[:, None] - keys) * self.w).square().sum(-1) / 2).softmax(-1) * values).sum(-1)


class dropout_in_evaluation(_Right):
    """You drop weights in evaluation too. What tells a function whether the module is training?"""

    def pool(self, weights, values):
        return super().pool(nn.functional.dropout(weights, 0.2), values)


class widths_follow_the_data(_Right):
    """Your forward pass changes its own widths. Whose task is it to change parameters?"""

    def forward(self, queries, keys, values):
        output = super().forward(queries, keys, values)
        self.w.data += 0.01
        return output


class a_pair_returned(_Right):
    """You return the weights beside the output. Where does the task want them kept?"""

    def forward(self, queries, keys, values):
        return super().forward(queries, keys, values), self.attention_weights


@misconception(group="robust")
class exponentials_by_hand(_Right):
    """Far from all keys your exponentials are all 0, and so is their sum. What may be taken off all scores for free?"""

    def weigh(self, scores):
        kernel = scores.exp()
        return kernel / kernel.sum(-1, keepdim=True)


class written_into_the_keys(_Right):
    """You subtract in place, and the caller's keys are gone. Whose are they?"""

    def score(self, queries, keys, values):
        keys -= queries[:, None]
        return -(keys * self.w).square().sum(-1) / 2


@misconception(group="robust")
class always_float32(_Right):
    """You compute in float32, whatever comes in. Which dtype does the caller expect?"""

    def forward(self, queries, keys, values):
        return super().forward(queries.float(), keys.float(), values.float())
