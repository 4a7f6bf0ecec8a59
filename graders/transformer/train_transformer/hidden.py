"""Parity with the reference, and a model that learns to translate dates and to say sequences backwards."""

from __future__ import annotations

import re

import torch
from given.dates import BOS, make_dates
from given.reversal import VOCAB_SIZE, reversal_pairs
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import assert_close, assert_measured, assert_number, assert_that, record
from headcheck.properties import worth
from headcheck.strategies import amplify, seeds

STEPS, WARMUP = 200, 20
SEEDS = range(2)
RIGHT_WORDS, RIGHT_DATES, RIGHT_TOKENS = 0.97, 0.90, 0.90
LEARNED, POOR = 0.1, 0.7  # a loss this low with as few right words: nothing but peeking does that


def build(module, src_vocab, tgt_vocab, **sizes):
    """A model of these sizes."""
    return module.build_transformer(
        module.TransformerConfig(src_vocab_size=src_vocab, tgt_vocab_size=tgt_vocab, **sizes)
    )


def twins(student, reference, seed, *, scale, **sizes):
    """Models of both in float64 with the same normal parameters."""
    r, m = (build(module, 9, 9, num_hiddens=12, ffn_num_hiddens=7, **sizes).double() for module in (reference, student))
    parameters = {name: parameter.detach() for name, parameter in r.named_parameters()}
    weights = {plain(name): value for name, value in amplify(parameters, seed, scale=scale).items()}
    r.load_state_dict({name: weights[plain(name)] for name in parameters}, strict=False)
    own = {name: tuple(parameter.shape) for name, parameter in m.named_parameters()}
    same = {plain(name): shape for name, shape in own.items()} == {
        name: tuple(value.shape) for name, value in weights.items()
    }
    assert_that(same, "the parameters are not those of an encoder and a decoder of these sizes")
    m.load_state_dict({name: weights[plain(name)] for name in own}, strict=False)
    return m, r


def plain(name):
    """A parameter's name, whether the blocks are called `0` or `block0`."""
    return re.sub(r"blks\.\D*", "blks.", name)


@worth(1, examples=3, hint="EncoderDecoder(encoder, decoder), both of your own classes, nothing shared between them.")
@given(shape=st.sampled_from([(3, 2), (2, 1), (1, 3)]), scale=st.sampled_from([0.5, 2.0]), seed=seeds())
@torch.no_grad()
def model_equals_the_reference(student, reference, shape, scale, seed):
    """With the same parameters the logits are those of the reference, in one pass and word by word."""
    heads, layers = shape
    m, r = twins(student, reference, seed, scale=scale, num_heads=heads, num_layers=layers)
    generator = torch.Generator().manual_seed(seed)
    src, words = (torch.randint(9, (4, steps), generator=generator) for steps in (6, 5))
    src_lens = torch.randint(1, 7, (4,), generator=generator)
    wanted, _ = r(src, words, src_lens)
    assert_close(m(src, words, src_lens)[0], wanted, rtol=1e-6, atol=1e-6, what="logits")
    state = m.decoder.init_state(m.encoder(src, src_lens), src_lens)
    for t in range(5):
        logits, state = m.decoder(words[:, t : t + 1], state)
        assert_close(logits, wanted[:, t : t + 1], rtol=1e-6, atol=1e-6, what=f"logits of word {t}, alone")


@worth(1, examples=2, hint="Follow two steps by hand: what does the second one find of the first, and what not?")
@given(seed=seeds())
def first_losses_equal_the_reference(student, reference, seed):
    """From the same parameters and generator, the first five losses are those of the reference."""
    m, r = twins(student, reference, seed, scale=0.3, num_heads=3, num_layers=1)
    draw = torch.Generator().manual_seed(seed)
    src, labels = (torch.randint(3, 9, (150, steps), generator=draw) for steps in (6, 5))
    src_lens, label_lens = (torch.randint(1, steps + 1, (150,), generator=draw) for steps in (6, 5))
    data, start = (src, src_lens, labels, label_lens), draw.get_state()
    wanted, losses = (
        module.fit(model, data, steps=5, lr=0.02, warmup=3, clip=0.5, generator=draw.set_state(start))
        for module, model in ((reference, r), (student, m))
    )
    assert_that(isinstance(losses, list) and len(losses) == 5, "fit does not return a list of five losses")
    for k, (loss, right) in enumerate(zip(losses, wanted, strict=True), 1):
        assert_number(loss, right, atol=1e-3 * right, what=f"loss of step {k}")


@worth(0.5, examples=2, hint="Layers in order, heads in order, rows in order: which of your axes is which?")
@given(shape=st.sampled_from([(3, 2), (2, 3), (1, 1)]), scale=st.sampled_from([0.5, 2.0]), seed=seeds())
def collected_weights_equal_the_reference(student, reference, shape, scale, seed):
    """With the same parameters the weights collected are those of the reference."""
    heads, layers = shape
    m, r = twins(student, reference, seed, scale=scale, num_heads=heads, num_layers=layers)
    src = torch.randint(9, (1, 4), generator=torch.Generator().manual_seed(seed))
    for arguments in ((src, torch.tensor([4]), 7, 1, -1), (src, torch.tensor([2]), 1, 0, 3)):
        wanted = reference.collect_attention(r, *arguments)
        found = student.collect_attention(m, *arguments)
        assert_that(isinstance(found, dict) and found.keys() == wanted.keys(), "the weights are not in a dictionary")
        for name in wanted:
            assert_close(found[name], wanted[name], atol=1e-6, what=name)


@worth(3, training=True, hint="Print the losses and one translation: does it learn at all, and can it do without help?")
def model_learns_to_translate_dates(student):
    """After 200 steps it translates 90 % of new dates without a mistake, and has 97 % of their words right.

    Measured over 8 seeds: 0.990 to 1.000 of the dates, 0.998 to 1.000 of the words; two more, with the parameters drawn
    in another order, 0.950 and 1.000 of the dates, 0.992 and 1.000 of the words. Over 2 seeds: without positions of the
    source at most 0.440 and 0.837, with positions lost in decoding 0 and 0.434, not causal 0 and 0.485.
    """
    dates = make_dates()
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        model = initialised(build(student, len(dates.src_vocab), len(dates.tgt_vocab)), generator)
        loss = train(student, model, dates.train, 7e-3, generator)
        words, right = accuracy(model, dates.test)
        assert_does_not_peek(loss, words)
        assert_measured(right, at_least=RIGHT_DATES, what="the share of new dates that are right")
        assert_measured(words, at_least=RIGHT_WORDS, what="the share of right words")


@worth(1.5, training=True, hint="Which part of the model knows where a token stands, and which keeps later ones away?")
def model_learns_to_say_sequences_backwards(student):
    """After 200 steps it has 90 % of the tokens right when it turns new sequences around.

    Measured over 8 seeds: 0.970 to 0.999; two more, with the parameters drawn in another order, 0.954 and 0.997. Over 2
    seeds: without positions of the source at most 0.394, with positions lost in decoding 0.484, not causal 0.419,
    without residuals 0.591, with an encoder that is not trained 0.834.
    """
    for seed in SEEDS[:1]:
        generator = torch.Generator().manual_seed(seed)
        data, test = (reversal_pairs(count, generator=generator) for count in (2048, 200))
        model = initialised(build(student, VOCAB_SIZE, VOCAB_SIZE), generator)
        loss = train(student, model, data, 5e-3, generator)
        tokens, _ = accuracy(model, test)
        assert_does_not_peek(loss, tokens)
        assert_measured(tokens, at_least=RIGHT_TOKENS, what="the share of right tokens")


def initialised(model, generator):
    """Matrices by Glorot and Bengio, embeddings smaller than positions, and layer norms that do nothing yet."""
    state = {}
    for name, parameter in model.named_parameters():
        state[name] = torch.full_like(parameter.detach(), float(not name.endswith("bias")))
        if "embedding" in name:
            state[name].normal_(0, 0.5 / parameter.shape[1] ** 0.5, generator=generator)
        elif parameter.dim() == 2:
            nn.init.xavier_uniform_(state[name], generator=generator)
    model.load_state_dict(state, strict=False)
    return model


def train(student, model, data, lr, generator):
    """The mean of the last ten losses."""
    losses = student.fit(model, data, steps=STEPS, lr=lr, warmup=WARMUP, clip=1.0, generator=generator)
    record("the loss", losses)
    return sum(losses[-10:]) / 10


def assert_does_not_peek(loss, right):
    """Whoever has learned the answers can give them."""
    if right <= POOR:
        what = "the loss of a model that says few words right by itself (less: it sees its own future, or loses count)"
        assert_measured(loss, at_least=LEARNED, what=what)


@torch.no_grad()
def accuracy(model, pairs):
    """The shares of right words, place by place, and of sentences right from beginning to end; decoded greedily."""
    src, src_lens, labels, label_lens = pairs
    model.eval()
    state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
    words = [torch.full((len(src), 1), BOS)]
    for _ in range(labels.shape[1]):
        logits, state = model.decoder(words[-1], state)
        words.append(logits.argmax(-1))
    valid = torch.arange(labels.shape[1]) < label_lens[:, None]
    right = (torch.cat(words[1:], dim=1) == labels) | ~valid
    return right[valid].double().mean().item(), right.all(1).double().mean().item()
