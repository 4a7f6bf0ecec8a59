"""Each of the six orders is put to the test: a shift of the values, a roll of the queries, a roll of the pairs."""

from itertools import permutations

import torch


def identify_roles(attend, lengths, size):
    torch.manual_seed(3)
    arguments = tuple(torch.randn(1, length, size) for length in lengths)
    answer = attend(*arguments)

    def ask(new):
        return attend(*(new.get(i, argument) for i, argument in enumerate(arguments)))

    shifted = [ask({i: arguments[i] + 1}) for i in range(3)]
    rolled = [ask({i: arguments[i].roll(1, 1)}) for i in range(3)]
    for q, k, v in permutations(range(3)):
        if lengths[k] != lengths[v] or lengths[q] != answer.shape[1]:
            continue
        values_shift = (shifted[v] - answer - 1).abs().max() < 1e-4
        queries_roll = (rolled[q] - answer.roll(1, 1)).abs().max() < 1e-4
        pairs = ask({k: arguments[k].roll(1, 1), v: arguments[v].roll(1, 1)})
        if values_shift and queries_roll and (pairs - answer).abs().max() < 1e-4:
            return {q: "queries", k: "keys", v: "values"}
    raise RuntimeError("no order explains what the box does")


def decoding_roles():
    return {"value": "encoder states", "key": "encoder states", "query": "previous decoder state"}


def self_attention_roles():
    return dict.fromkeys(["query", "key", "value"], "block inputs")


def cross_attention_roles():
    roles = decoding_roles()
    roles["query"] = "decoder positions"
    return roles
