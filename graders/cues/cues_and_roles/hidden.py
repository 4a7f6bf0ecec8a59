"""Who asks, who is compared and who answers, in three places of two models."""

from __future__ import annotations

from headcheck.compare import assert_that
from headcheck.properties import worth


def assert_roles(found, *, query, memory):
    """These are the query, and what serves as both key and value."""
    wanted = {"query": query, "key": memory, "value": memory}
    assert_that(isinstance(found, dict), "the answer is no dictionary")
    assert_that(set(found) == set(wanted), "the keys of the dictionary must be 'query', 'key' and 'value'")
    for role, actor in wanted.items():
        assert_that(found[role] == actor, f"the {role} is not played by {found[role]!r}")


@worth(2, hint="Who wants to know something at this moment, and what can be looked through for it?")
def decoder_asks_the_source(student):
    """In a Bahdanau decoder and in the cross-attention of a Transformer, all three parts have the right actors."""
    assert_roles(student.decoding_roles(), query="previous decoder state", memory="encoder states")
    assert_roles(student.cross_attention_roles(), query="decoder positions", memory="encoder states")


@worth(1, hint="How many sequences take part in self-attention?")
def encoder_asks_itself(student):
    """In the self-attention of a Transformer's encoder, all three parts have the right actors."""
    assert_roles(student.self_attention_roles(), query="block inputs", memory="block inputs")
