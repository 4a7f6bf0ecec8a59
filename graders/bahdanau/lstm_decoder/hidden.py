"""Parity with the reference, and a model that learns to translate dates."""

from __future__ import annotations

import torch
from given.dates import BOS, EOS, make_dates, minibatch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_measured, record
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes

COUNTS = st.one_of(sizes(3, high=5), st.just((3, 3, 3)))  # examples, steps, source positions
WIDTHS = st.one_of(sizes(3), st.just((4, 4, 4)))  # words, features of a word, hidden units
LAYERS = st.integers(1, 3)

EMBED, HIDDENS = 64, 96
STEPS, BATCH, LR = 150, 64, 1e-2
SEEDS = (0,)
LONGEST = 10
RIGHT_DATES = 0.93


@worth(1.5, examples=8, hint="Which of h and c asks, and of which layer? Do both go into the next step?")
@given(counts=COUNTS, widths=WIDTHS, layers=LAYERS, seed=seeds())
def decoder_equals_the_reference(student, reference, counts, widths, layers, seed):
    """With the same parameters, small or so large that attention is far from uniform, all is as in the reference."""
    (batch, steps, src_steps), num_hiddens = counts, widths[-1]
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(widths[0], (batch, steps), generator=generator)
    valid_lens = torch.randint(1, src_steps + 3, (batch,), generator=generator, dtype=torch.int32)
    outputs = 3 * normal((src_steps, batch, num_hiddens), seed, dtype=torch.float64)
    h, c = (normal((layers, batch, num_hiddens), seed + i, dtype=torch.float64) for i in (1, 2))
    ours, theirs = (module.LSTMAttentionDecoder(*widths, layers).double().eval() for module in (reference, student))
    for state in (ours.state_dict(), sharpened(ours.state_dict(), seed)):
        ours.load_state_dict(state)
        theirs.load_state_dict(state)
        for lengths in (None, valid_lens):
            wanted, (_, last, _) = ours(words, ours.init_state((outputs, (h, c)), lengths))
            logits, (_, new, _) = theirs(words, theirs.init_state((outputs, (h, c)), lengths))
            for step, (got, expected) in enumerate(zip(theirs.attention_weights, ours.attention_weights, strict=False)):
                assert_close(got, expected, what=f"attention_weights[{step}]")
            assert_close(logits, wanted, what="logits")
            for name, got, expected in zip("hc", new, last, strict=True):
                assert_close(got, expected, what=f"{name} in the state returned")


@worth(2, training=True, hint="Put encoder and decoder together: does what one returns fit what the other expects?")
def model_learns_to_translate_dates(student):
    """After 150 steps it translates 93 % of new dates without a mistake.

    Measured over 10 seeds: 0.975 to 1.000 of the dates. With the source's last state as context at most 0.885, with an
    encoder that is not trained 0.055.
    """
    dates = make_dates()
    for seed in SEEDS:
        right = share_of_right_dates(student, dates, torch.Generator().manual_seed(seed))
        assert_measured(right, at_least=RIGHT_DATES, what="the share of new dates that it translates right")


def share_of_right_dates(student, dates, generator):
    """Train a model from initial values of our own, and have it translate new dates."""
    encoder = student.LSTMEncoder(len(dates.src_vocab), EMBED, HIDDENS, 1)
    decoder = student.LSTMAttentionDecoder(len(dates.tgt_vocab), EMBED, HIDDENS, 1)
    model = student.EncoderDecoder(encoder, decoder)
    model.load_state_dict({name: initial(name, value, generator) for name, value in model.state_dict().items()})
    optimizer = student.adam(model, LR)
    for _ in range(STEPS):
        record(
            "the loss", student.train_step(model, optimizer, minibatch(dates.train, BATCH, generator=generator), BOS)
        )
    src, src_lens, labels, label_lens = dates.test
    found = student.greedy_decode(model, src, src_lens, BOS, EOS, LONGEST)
    wanted = [row[: length - 1] for row, length in zip(labels.tolist(), label_lens.tolist(), strict=True)]
    return sum(got == row for got, row in zip(found, wanted, strict=True)) / len(wanted)


def sharpened(state, seed):
    """Large parameters, and larger ones in the attention."""
    state = amplify(state, seed, scale=0.8)
    return {name: 5 * value if name.startswith("attention.") else value for name, value in state.items()}


def initial(name, value, generator):
    """Normal embeddings; everything else uniform, within the root of 1/96."""
    if "embedding" in name:
        return torch.randn(value.shape, generator=generator)
    return (2 * torch.rand(value.shape, generator=generator) - 1) / HIDDENS**0.5
