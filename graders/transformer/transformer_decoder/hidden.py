"""The whole decoder against the reference, its gradients, and its device."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_responds, assert_shape, assert_that, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, valid_lengths

VOCAB, WIDTH, FFN = 13, 8, 7
SOFT, SHARP = 0.8, 4.0
ROUGH = 1e-3  # sharp attention enlarges the rounding of a table of positions in float32
DOUBLE = torch.float64
SHAPES = st.tuples(st.sampled_from([2, 1, 4]), st.sampled_from([2, 1, 3]))  # heads, layers


@st.composite
def translations(draw):
    """Tokens `(batch, steps)`, an encoded source `(batch, source, num_hiddens)`, and its lengths: int32, or None."""
    batch, steps, source = draw(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)))
    generator = torch.Generator().manual_seed(draw(seeds()))
    tokens = torch.randint(0, VOCAB, (batch, steps), generator=generator)
    enc_outputs = 3 * torch.randn(batch, source, WIDTH, generator=generator, dtype=DOUBLE)
    lengths = draw(valid_lengths((batch, steps, source), lengths=("per example", "none")))
    return tokens, enc_outputs, None if lengths is None else lengths.int()


def build(module, shape):
    """A decoder in float64 and in training mode, without dropout."""
    heads, layers = shape
    sizes = VOCAB, WIDTH, WIDTH, WIDTH, WIDTH, WIDTH, WIDTH, FFN
    return module.TransformerDecoder(*sizes, heads, layers, 0.0).double()


def fill(decoder, weights):
    """Load weights, whatever the decoder calls its blocks, and say what it calls its parameters."""
    theirs, own = _blocks(weights), _blocks(decoder.state_dict())
    assert_that(len(own) == len(theirs), f"`blks` holds the parameters of {len(own)} blocks, wanted {len(theirs)}")
    called = dict(zip(theirs, own, strict=True))
    decoder.load_state_dict({_renamed(name, called): value for name, value in weights.items()}, strict=False)
    return [_renamed(name, called) for name in weights]


def decode(decoder, tokens, enc_outputs, enc_valid_lens):
    """The logits of a whole sentence from a fresh state."""
    logits, _ = decoder(tokens, decoder.init_state(enc_outputs, enc_valid_lens))
    return logits


@worth(
    1.5, hint="Follow one sentence: embedding, scale, positions, each block in turn, and the last layer.", examples=6
)
@given(shape=SHAPES, case=translations())
@torch.no_grad()
def decoder_equals_the_reference(student, reference, shape, case):
    """With the same weights, small or large, logits and attention weights in training are those of the reference."""
    ours, theirs = build(reference, shape), build(student, shape)
    for seed, scale in enumerate((SOFT, SHARP)):
        weights = _drawn(ours, seed, scale)
        fill(ours, weights)
        fill(theirs, weights)
        wanted = decode(ours, *case)
        assert_close(decode(theirs, *case), wanted, rtol=ROUGH, atol=ROUGH, what="logits")
        found = theirs.attention_weights
        for kind, of_layers in enumerate(ours.attention_weights):
            for i, own in enumerate(of_layers):
                what = f"attention_weights[{kind}][{i}]"
                assert_close(found[kind][i], own, rtol=ROUGH, atol=ROUGH, what=what)


@worth(1, hint="Which tensor was detached, or made anew from numbers?", examples=3)
@given(shape=SHAPES, case=translations())
def every_parameter_learns(student, reference, shape, case):
    """Every parameter and the source get the gradients of the reference, from the logits and from the weights."""
    tokens, enc_outputs, enc_valid_lens = case
    decoders = build(reference, shape), build(student, shape)
    weights = _drawn(decoders[0], 2, 1.5)
    found = []
    for decoder in decoders:
        names = fill(decoder, weights)
        parameters = dict(decoder.named_parameters())
        for name in names:
            assert_that(name in parameters, f"there is no parameter {name}")
        source = enc_outputs.clone().requires_grad_()
        state = decoder.init_state(source, enc_valid_lens)
        logits, _ = decoder(tokens, [source, *state[1:]])
        slopes = torch.linspace(-1, 2, logits.numel(), dtype=DOUBLE).reshape(logits.shape)
        of_own, of_source = (layers[-1].square() for layers in decoder.attention_weights)
        of_logits = gradients(logits * slopes, [*(parameters[name] for name in names), source], what="logits")
        last = gradients(of_own.sum() + of_source.sum(), [parameters["embedding.weight"]], what="attention_weights")
        found.append(of_logits + last)
    places = [*weights, "the source", "embedding.weight, from the weights of the last layer"]
    for place, wanted, got in zip(places, *found, strict=True):
        assert_close(got, wanted, rtol=ROUGH, atol=ROUGH, what=f"gradient of {place}")


@worth(0.5, hint="Make the mask where the words are: `torch.arange` takes a device.")
def computes_where_its_inputs_are(student):
    """On another device than the CPU the logits are on that device, in one call or in two."""
    decoder = build(student, (2, 2))
    tokens, enc_outputs = torch.tensor([[1, 4, 2], [3, 5, 9]]), normal((2, 4, WIDTH), 0, dtype=DOUBLE)
    assert_responds(lambda words: decode(decoder, words, enc_outputs, None), tokens, tokens + 1, what="logits")
    decoder.to("meta")
    state = decoder.init_state(enc_outputs.to("meta"), torch.tensor([2, 4], device="meta"))
    for size in (2, 1):
        logits, state = decoder(tokens[:, :size].to("meta"), state)
        assert_shape(logits, (2, size, VOCAB), what="logits")
        assert_that(logits.device.type == "meta", f"the logits are on the device {logits.device}, the words are not")


def _drawn(decoder, seed, scale):
    """Normal weights for every parameter, those of the attention with a standard deviation of their own."""
    state = amplify({name: value.detach() for name, value in decoder.named_parameters()}, seed, scale=SOFT)
    return {name: value * (scale / SOFT if "attention" in name else 1) for name, value in state.items()}


def _blocks(names):
    """What the blocks are called, in order."""
    return list(dict.fromkeys(name.split(".")[1] for name in names if name.startswith("blks.")))


def _renamed(name, called):
    head, _, rest = name.partition(".")
    block, _, part = rest.partition(".")
    return f"{head}.{called[block]}.{part}" if head == "blks" else name
