"""Ways to compare two scorers wrongly, and keys that do not do what they should."""

import torch
from scoring.changed_keys import compare_scorers as _compare
from scoring.changed_keys import keys_that_disagree as _disagree

from headcheck.properties import misconception


def _weights(additive, dot, queries, keys, values, valid_lens=None):
    with torch.no_grad():
        additive(queries, keys, values, valid_lens)
        dot(queries, keys, values, valid_lens)
    return additive.attention_weights.detach(), dot.attention_weights.detach()


def _valid(keys, valid_lens):
    lengths = torch.full((len(keys),), keys.shape[1]) if valid_lens is None else valid_lens
    return torch.arange(keys.shape[1]) < lengths.reshape(len(keys), -1, 1)


def _ranking(left, right, dim=-1):
    return (left.argsort(dim=dim, stable=True) == right.argsort(dim=dim, stable=True)).all(-1)


@misconception(of="compare_scorers")
def the_answer_for_equal_keys(additive, dot, queries, keys, values, valid_lens=None):
    """Your report is what the book's equal keys would give. What happens when the keys are no longer equal?"""
    return {
        "max_weight_gap": 0.0,
        "both_uniform": True,
        "same_ranking": torch.ones(queries.shape[:2], dtype=torch.bool),
    }


@misconception(of="compare_scorers")
def tensors_in_the_report(additive, dot, queries, keys, values, valid_lens=None):
    """Your numbers are still tensors of one element. How does a tensor become a plain Python number?"""
    report = _compare(additive, dot, queries, keys, values, valid_lens)
    return report | {name: torch.tensor(report[name]) for name in ("max_weight_gap", "both_uniform")}


@misconception(of="compare_scorers")
def mean_for_max(additive, dot, queries, keys, values, valid_lens=None):
    """You averaged the differences. Can one badly placed weight hide in an average?"""
    left, right = _weights(additive, dot, queries, keys, values, valid_lens)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {
        "max_weight_gap": (left - right).abs().mean().item()
    }


@misconception(of="compare_scorers")
def sign_kept(additive, dot, queries, keys, values, valid_lens=None):
    """You look only where the additive weight is the larger one. What about a weight it thinks too little of?"""
    left, right = _weights(additive, dot, queries, keys, values, valid_lens)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"max_weight_gap": (left - right).max().item()}


@misconception(of="compare_scorers")
def gap_summed_over_keys(additive, dot, queries, keys, values, valid_lens=None):
    """You added up the differences of a whole row. How far apart are two single weights?"""
    left, right = _weights(additive, dot, queries, keys, values, valid_lens)
    gap = (left - right).abs().sum(-1).max().item()
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"max_weight_gap": gap}


@misconception(of="compare_scorers")
def first_example_only(additive, dot, queries, keys, values, valid_lens=None):
    """You looked at the first example and spoke for the whole batch. Where may the largest gap be?"""
    lengths = None if valid_lens is None else valid_lens[:1]
    first = _compare(additive, dot, queries[:1], keys[:1], values[:1], lengths)
    return first | {"same_ranking": first["same_ranking"].expand(queries.shape[:2])}


@misconception(of="compare_scorers")
def outputs_for_weights(additive, dot, queries, keys, values, valid_lens=None):
    """You compared what the scorers return, so your gap depends on the values. Where do they keep their weights?"""
    with torch.no_grad():
        gap = additive(queries, keys, values, valid_lens) - dot(queries, keys, values, valid_lens)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"max_weight_gap": gap.abs().max().item()}


@misconception(of="compare_scorers")
def weights_read_off_the_output(additive, dot, queries, keys, values, valid_lens=None):
    """With the identity for values the output shows the weights, but after dropout. Where can you read them before?"""
    identity = torch.eye(keys.shape[1], dtype=keys.dtype).expand(len(keys), -1, -1)
    with torch.no_grad():
        gap = additive(queries, keys, identity, valid_lens) - dot(queries, keys, identity, valid_lens)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"max_weight_gap": gap.abs().max().item()}


@misconception(of="compare_scorers")
def lengths_ignored(additive, dot, queries, keys, values, valid_lens=None):
    """You never passed `valid_lens` on, so padding takes part. Whose opinion about padding did you want?"""
    return _compare(additive, dot, queries, keys, values)


@misconception(of="compare_scorers")
def lengths_for_one_scorer(additive, dot, queries, keys, values, valid_lens=None):
    """Only one of the scorers was told the valid lengths. Are the two still looking at the same keys?"""
    left = _weights(additive, dot, queries, keys, values)[0]
    right = _weights(additive, dot, queries, keys, values, valid_lens)[1]
    report = _compare(additive, dot, queries, keys, values, valid_lens)
    return report | {"max_weight_gap": (left - right).abs().max().item(), "same_ranking": _ranking(left, right)}


@misconception(of="compare_scorers")
def uniform_over_padding_too(additive, dot, queries, keys, values, valid_lens=None):
    """You expect every weight to be 1 / number of keys, padded ones included. Over how many keys can a row spread?"""
    weights = torch.stack(_weights(additive, dot, queries, keys, values, valid_lens))
    uniform = bool((weights - 1 / keys.shape[1]).abs().max() <= 1e-6)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"both_uniform": uniform}


@misconception(of="compare_scorers")
def only_additive_has_to_be_uniform(additive, dot, queries, keys, values, valid_lens=None):
    """You tested one scorer for uniformity. What does the other one do?"""
    weights, _ = _weights(additive, dot, queries, keys, values, valid_lens)
    valid = _valid(keys, valid_lens)
    uniform = bool((weights - valid / valid.sum(-1, keepdim=True)).abs().max() <= 1e-6)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"both_uniform": uniform}


@misconception(of="compare_scorers")
def only_dot_has_to_be_uniform(additive, dot, queries, keys, values, valid_lens=None):
    """You tested one scorer for uniformity. What does the other one do?"""
    _, weights = _weights(additive, dot, queries, keys, values, valid_lens)
    valid = _valid(keys, valid_lens)
    uniform = bool((weights - valid / valid.sum(-1, keepdim=True)).abs().max() <= 1e-6)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"both_uniform": uniform}


@misconception(of="compare_scorers")
def agreement_called_uniform(additive, dot, queries, keys, values, valid_lens=None):
    """You call the scorers uniform when they agree. May two scorers agree that one key is everything?"""
    report = _compare(additive, dot, queries, keys, values, valid_lens)
    return report | {"both_uniform": report["max_weight_gap"] <= 1e-6}


@misconception(of="compare_scorers")
def uniform_by_and_large(additive, dot, queries, keys, values, valid_lens=None):
    """Your tolerance lets a small preference pass for none. How small did the task say?"""
    weights = torch.stack(_weights(additive, dot, queries, keys, values, valid_lens))
    valid = _valid(keys, valid_lens)
    gap = (weights - valid / valid.sum(-1, keepdim=True)).abs()
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"both_uniform": bool(gap.mean() <= 1e-2)}


@misconception(of="compare_scorers")
def only_the_winner_is_ranked(additive, dot, queries, keys, values, valid_lens=None):
    """You compared which key comes first. Do the second and the third come in the same order too?"""
    left, right = _weights(additive, dot, queries, keys, values, valid_lens)
    ranking = left.argmax(-1) == right.argmax(-1)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"same_ranking": ranking}


@misconception(of="compare_scorers")
def queries_ranked_for_keys(additive, dot, queries, keys, values, valid_lens=None):
    """You sorted along the queries. Which axis holds the keys that one query ranks?"""
    left, right = _weights(additive, dot, queries, keys, values, valid_lens)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"same_ranking": _ranking(left, right, dim=1)}


@misconception(of="compare_scorers")
def one_ranking_for_the_batch(additive, dot, queries, keys, values, valid_lens=None):
    """One query that disagrees makes you say no for all of them. How many answers does the task want?"""
    report = _compare(additive, dot, queries, keys, values, valid_lens)
    return report | {"same_ranking": report["same_ranking"].all().expand(queries.shape[:2])}


@misconception(of="compare_scorers")
def identical_weights_for_identical_order(additive, dot, queries, keys, values, valid_lens=None):
    """You compared the sizes of the weights. Can two scorers rank alike with different numbers?"""
    left, right = _weights(additive, dot, queries, keys, values, valid_lens)
    ranking = ((left - right).abs() <= 1e-6).all(-1)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"same_ranking": ranking}


@misconception(of="compare_scorers", group="robust")
def left_in_eval_mode(additive, dot, queries, keys, values, valid_lens=None):
    """You switched the scorers to eval mode and left them there. How will their training go on without dropout?"""
    return _compare(additive.eval(), dot.eval(), queries, keys, values, valid_lens)


@misconception(of="compare_scorers", group="robust")
def left_in_train_mode(additive, dot, queries, keys, values, valid_lens=None):
    """You switched to eval mode and then to train mode. Had the scorers been training before you came?"""
    report = _compare(additive.eval(), dot.eval(), queries, keys, values, valid_lens)
    additive.train()
    dot.train()
    return report


@misconception(of="compare_scorers", group="robust")
def padding_erased_in_place(additive, dot, queries, keys, values, valid_lens=None):
    """You set the padded keys of your caller to zero. Who else may want to use them?"""
    keys *= _valid(keys, valid_lens).any(1)[..., None]
    return _compare(additive, dot, queries, keys, values, valid_lens)


@misconception(of="compare_scorers", group="robust")
def one_over_length_zero(additive, dot, queries, keys, values, valid_lens=None):
    """A row without valid keys should have weights of 1 / 0 in your comparison. Is there anything in it to compare?"""
    weights = torch.stack(_weights(additive, dot, queries, keys, values, valid_lens))
    valid = _valid(keys, valid_lens)
    uniform = bool((weights - valid / valid.sum(-1, keepdim=True)).abs().max() <= 1e-6)
    return _compare(additive, dot, queries, keys, values, valid_lens) | {"both_uniform": uniform}


@misconception(of="keys_that_agree")
def zeros_that_agree(m, d):
    """Keys of zeros do agree, but they are the one choice that was not wanted. What else makes keys look the same?"""
    return torch.zeros(m, d)


@misconception(of="keys_that_agree")
def random_keys_that_agree(m, d):
    """Your keys differ, so a scorer can prefer one of them. When can it not?"""
    return torch.randn(m, d)


@misconception(of="keys_that_agree")
def orthogonal_keys(m, d):
    """Your keys are equally long and point in different directions. Does a query prefer no direction?"""
    return torch.eye(m, d)


@misconception(of="keys_that_agree")
def multiples_of_one_key(m, d):
    """Your keys point in the same direction, but some are longer. Does a dot product not see that?"""
    return torch.arange(1.0, m + 1)[:, None].expand(m, d)


@misconception(of="keys_that_agree")
def whole_number_keys(m, d):
    """Your keys are integers. What will a linear layer say to them?"""
    return torch.ones(m, d, dtype=torch.long)


@misconception(of="keys_that_disagree")
def keys_of_agreement(additive, dot, queries, m):
    """These are the keys on which all scorers agree. What do they need for a difference to show?"""
    return torch.ones(1, m, queries.shape[-1], dtype=queries.dtype)


@misconception(of="keys_that_disagree")
def the_first_random_keys(additive, dot, queries, m):
    """You took random keys and hoped. How could you know that the gap is large enough before you return them?"""
    return torch.randn(1, m, queries.shape[-1], dtype=queries.dtype)


@misconception(of="keys_that_disagree")
def loud_random_keys(additive, dot, queries, m):
    """Long random keys make both scorers sure of themselves. Are they never sure of the same key?"""
    return 100 * torch.randn(1, m, queries.shape[-1], dtype=queries.dtype)


@misconception(of="keys_that_disagree")
def copies_of_the_query(additive, dot, queries, m):
    """All your keys are the query itself. Can a scorer prefer one of several equal keys?"""
    return queries[:, :1].expand(-1, m, -1)


@misconception(of="keys_that_disagree")
def keys_without_a_batch(additive, dot, queries, m):
    """Your keys lack the batch axis. What shape do the scorers take?"""
    return torch.arange(1.0, m + 1, dtype=queries.dtype)[:, None] * 1000 * queries[0, 0]


@misconception(of="keys_that_disagree")
def infinite_keys(additive, dot, queries, m):
    """Your keys are so long that they are infinite, and the softmax makes NaN of them. How long is long enough?"""
    return torch.arange(1.0, m + 1, dtype=queries.dtype)[:, None] * torch.inf * queries[:, :1]


@misconception(of="keys_that_disagree", group="robust")
def queries_sharpened_in_place(additive, dot, queries, m):
    """Your search changes the queries that it was given. Whose are they?"""
    keys = _disagree(additive, dot, queries, m)
    with torch.no_grad():
        queries.mul_(10)
    return keys
