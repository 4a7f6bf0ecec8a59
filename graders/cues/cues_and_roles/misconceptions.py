"""Ways to mistake one input of attention for another."""

from itertools import permutations

import torch
from cues.cues_and_roles import cross_attention_roles, decoding_roles, identify_roles

from headcheck.properties import misconception

_ROLES = "queries", "keys", "values"


def _inputs(lengths, size):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(1, length, size, generator=generator) for length in lengths]


def _changed(attend, inputs, argument, change):
    """The output after a change to one argument."""
    return attend(*(change(tensor) if i == argument else tensor for i, tensor in enumerate(inputs)))


def _doubles(attend, inputs, argument):
    return torch.allclose(_changed(attend, inputs, argument, lambda x: 2 * x), 2 * attend(*inputs), atol=1e-5)


def _values(attend, inputs):
    return next(i for i in range(3) if _doubles(attend, inputs, i))


def _named(queries, keys, values):
    return {queries: "queries", keys: "keys", values: "values"}


def _swapped(found, one, other):
    return {i: {one: other, other: one}.get(role, role) for i, role in found.items()}


@misconception(of="identify_roles")
def assumes_the_order(attend, lengths, size):
    """You take the arguments in the order that a textbook writes them. Did you ask the box anything?"""
    return dict(enumerate(_ROLES))


@misconception(of="identify_roles")
def decides_by_length_alone(attend, lengths, size):
    """You look at the lengths only, and they cannot tell a key from a value. What does an experiment change?"""
    queries = next((i for i in range(3) if lengths.count(lengths[i]) == 1), 0)
    return _named(queries, *(i for i in range(3) if i != queries))


@misconception(of="identify_roles")
def queries_found_by_length(attend, lengths, size):
    """You find the queries by their number, and guess when all lengths are equal. What else marks a query?"""
    values = _values(attend, _inputs(lengths, size))
    first, second = (i for i in range(3) if i != values)
    odd = lengths.count(lengths[second]) == 1
    return _named(second, first, values) if odd else _named(first, second, values)


@misconception(of="identify_roles")
def longest_are_the_queries(attend, lengths, size):
    """You expect more queries than keys. Must there be?"""
    values = _values(attend, _inputs(lengths, size))
    left = sorted((i for i in range(3) if i != values), key=lambda i: -lengths[i])
    return _named(*left, values)


@misconception(of="identify_roles")
def keys_and_values_swapped(attend, lengths, size):
    """You call the values keys, and the keys values. Which of the two does the output consist of?"""
    return _swapped(identify_roles(attend, lengths, size), "keys", "values")


@misconception(of="identify_roles")
def queries_and_keys_swapped(attend, lengths, size):
    """You call the queries keys, and the keys queries. Of which is there one for every row of the output?"""
    return _swapped(identify_roles(attend, lengths, size), "queries", "keys")


@misconception(of="identify_roles")
def queries_and_values_swapped(attend, lengths, size):
    """You call the queries values, and the values queries. What is a weighted average linear in?"""
    return _swapped(identify_roles(attend, lengths, size), "queries", "values")


@misconception(of="identify_roles")
def growing_sum_means_values(attend, lengths, size):
    """You scale one argument by a random number, and look whether the sum of the output grows. Can a sum not grow by
    accident, or shrink when it is negative?
    """
    inputs = _inputs(lengths, size)
    scale = 1 + torch.rand(()).item()
    sums = [_changed(attend, inputs, i, lambda x: scale * x).sum() for i in range(3)]
    values = max(range(3), key=lambda i: sums[i])
    reversed_ = attend(*inputs).flip(1)
    first, second = (i for i in range(3) if i != values)
    if torch.allclose(_changed(attend, inputs, first, lambda x: x.flip(1)), reversed_, atol=1e-5):
        return _named(first, second, values)
    return _named(second, first, values)


@misconception(of="identify_roles")
def largest_effect_means_values(attend, lengths, size):
    """You take the argument whose change moves the output most for the values. Can a key not move it more?"""
    inputs = _inputs(lengths, size)
    output = attend(*inputs)
    effects = [(_changed(attend, inputs, i, lambda x: x + x.roll(1, -1)) - output).abs().max() for i in range(3)]
    _, queries, values = sorted(range(3), key=lambda i: effects[i])
    return _named(queries, 3 - queries - values, values)


@misconception(of="identify_roles")
def knows_the_dot_product_only(attend, lengths, size):
    """You double one argument and halve another, and expect no change of queries and keys. For which scores is that
    true?
    """
    inputs = _inputs(lengths, size)
    output = attend(*inputs)

    def balanced(double, halve):
        scales = {double: 2.0, halve: 0.5}
        return torch.allclose(attend(*(scales.get(i, 1.0) * x for i, x in enumerate(inputs))), output, atol=1e-5)

    pairs = [(i, j) for i, j in permutations(range(3), 2) if balanced(i, j)] or [(0, 1)]
    for queries, keys in pairs:
        if torch.allclose(_changed(attend, inputs, queries, lambda x: x.flip(1)), output.flip(1), atol=1e-5):
            return _named(queries, keys, 3 - queries - keys)
    return _named(*pairs[0], 3 - sum(pairs[0]))


@misconception(of="identify_roles")
def rows_all_alike(attend, lengths, size):
    """You feed the box rows that are all the same, so no key can be preferred and no query differs from another. What
    can an experiment show in which nothing can change?
    """
    inputs = [torch.ones(1, length, size) for length in lengths]
    output = attend(*inputs)
    values = _values(attend, inputs)
    left = [i for i in range(3) if i != values]
    queries = next(i for i in left if torch.equal(_changed(attend, inputs, i, lambda x: x.flip(1)), output.flip(1)))
    return _named(queries, 3 - queries - values, values)


@misconception(of="identify_roles")
def reversed_pairs(attend, lengths, size):
    """You look for the argument whose reversal leaves the output alone. Must keys not be reversed with their values?"""
    inputs = _inputs(lengths, size)
    output = attend(*inputs)
    values = _values(attend, inputs)
    left = [i for i in range(3) if i != values]
    same = [i for i in left if torch.allclose(_changed(attend, inputs, i, lambda x: x.flip(1)), output, atol=1e-5)]
    keys = (same or left)[0]
    return _named(3 - keys - values, keys, values)


@misconception(of="identify_roles")
def equal_rows_mean_queries(attend, lengths, size):
    """You make all rows of an argument equal, and see equal rows come out. Do equal keys not do the same?"""
    inputs = _inputs(lengths, size)
    values = _values(attend, inputs)

    def all_alike(argument):
        output = _changed(attend, inputs, argument, lambda x: x[:, :1].expand_as(x).clone())
        return torch.allclose(output, output[:, :1].expand_as(output), atol=1e-5)

    queries = next(i for i in range(3) if i != values and all_alike(i))
    return _named(queries, 3 - queries - values, values)


@misconception(of="identify_roles")
def numbers_one_by_one(attend, lengths, size):
    """You ask the box about every single number. How much does one change of a whole argument tell?"""
    inputs = _inputs(lengths, size)
    for i, tensor in enumerate(inputs):
        for place in range(tensor.numel()):
            nudge = torch.zeros(tensor.numel())
            nudge[place] = 0.01
            _changed(attend, inputs, i, lambda x, nudge=nudge: x + nudge.view_as(x))
    return identify_roles(attend, lengths, size)


@misconception(of="identify_roles")
def roles_to_numbers(attend, lengths, size):
    """Your dictionary goes from roles to numbers. Which way round did the task want it?"""
    return {role: i for i, role in identify_roles(attend, lengths, size).items()}


@misconception(of="decoding_roles")
def encoder_asks_the_decoder():
    """You let the source ask and the decoder answer. Who needs to know something when a word is chosen?"""
    return {"query": "encoder states", "key": "previous decoder state", "value": "previous decoder state"}


@misconception(of="decoding_roles")
def last_encoder_state_asks():
    """You ask with what the encoder said last, at every step the same. What changes from one word to the next?"""
    return decoding_roles() | {"query": "last encoder state"}


@misconception(of="decoding_roles")
def input_token_asks():
    """You ask with the token that is read now. Which vector also knows all that was said before it?"""
    return decoding_roles() | {"query": "decoder input token"}


@misconception(of="decoding_roles")
def one_state_of_the_source():
    """You offer the last encoder state alone. What is there to choose from?"""
    return {"query": "previous decoder state", "key": "last encoder state", "value": "last encoder state"}


@misconception(of="decoding_roles")
def values_from_the_decoder():
    """Your values come from the decoder. What should the answer tell it that it does not know?"""
    return decoding_roles() | {"value": "previous decoder state"}


@misconception(of="cross_attention_roles")
def source_asks_the_target():
    """You let the source ask the target. Whose word is to be found?"""
    return {"query": "encoder states", "key": "decoder positions", "value": "decoder positions"}


@misconception(of="cross_attention_roles")
def target_asks_itself():
    """You describe the decoder's self-attention. Which of its two attentions looks at the source?"""
    return dict.fromkeys(cross_attention_roles(), "decoder positions")


@misconception(of="self_attention_roles")
def finished_states_ask():
    """You use what the encoder says at its very end. What has a block in the middle of it to work with?"""
    return dict.fromkeys(("query", "key", "value"), "encoder states")


@misconception(of="self_attention_roles")
def another_sequence_asks():
    """Your query comes from another sequence. What does the word self say?"""
    return {"query": "decoder positions", "key": "block inputs", "value": "block inputs"}
