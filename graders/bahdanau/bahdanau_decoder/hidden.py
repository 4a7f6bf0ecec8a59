"""Parity with the reference under the same weights."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes

COUNTS = st.one_of(sizes(3, high=5), st.just((3, 3, 3)))  # examples, steps, source positions
WIDTHS = st.one_of(sizes(3), st.just((4, 4, 4)))  # words, features of a word, hidden units
LAYERS = st.integers(1, 3)


def assert_parity(student, reference, counts, widths, layers, seed, sharpen):
    """Logits, weights and the new state equal the reference's when its weights, sharpened, are in both."""
    (batch, steps, src_steps), num_hiddens = counts, widths[-1]
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(widths[0], (batch, steps), generator=generator)
    valid_lens = torch.randint(1, src_steps + 3, (batch,), generator=generator, dtype=torch.int32)
    enc_outputs = 3 * normal((batch, src_steps, num_hiddens), seed, dtype=torch.float64)
    hidden = normal((layers, batch, num_hiddens), seed + 1, dtype=torch.float64)
    ours = reference.Seq2SeqAttentionDecoder(*widths, layers).double().eval()
    theirs = student.Seq2SeqAttentionDecoder(*widths, layers).double().eval()
    weights = sharpen(ours.state_dict())
    ours.load_state_dict(weights)
    theirs.load_state_dict(weights)
    for lengths in (None, valid_lens):
        encoded = enc_outputs.transpose(0, 1), hidden
        wanted, (_, last, _) = ours(words, ours.init_state(encoded, lengths))
        logits, state = theirs(words, theirs.init_state(encoded, lengths))
        for step, (got, expected) in enumerate(zip(theirs.attention_weights, ours.attention_weights, strict=False)):
            assert_close(got, expected, what=f"attention_weights[{step}]")
        assert_close(logits, wanted, what="logits")
        assert_close(state[1], last, what="hidden in the state returned")


@worth(0.5, examples=4, hint="Follow one step with a single word and a source of two positions.")
@given(counts=COUNTS, widths=WIDTHS, layers=LAYERS, seed=seeds())
def equals_the_reference(student, reference, counts, widths, layers, seed):
    """With the weights of a fresh reference decoder, logits, weights and state are the reference's."""
    assert_parity(student, reference, counts, widths, layers, seed, lambda state: state)


@worth(2, examples=8, hint="Which state asks? What is averaged? In which order do context and word go in?")
@given(counts=COUNTS, widths=WIDTHS, layers=LAYERS, seed=seeds())
def equals_the_reference_when_sharp(student, reference, counts, widths, layers, seed):
    """With large weights, so that attention is far from uniform, logits, weights and state are the reference's."""

    def sharpen(state):
        state = amplify(state, seed, scale=0.8)
        return {name: 5 * value if name.startswith("attention.") else value for name, value in state.items()}

    assert_parity(student, reference, counts, widths, layers, seed, sharpen)
