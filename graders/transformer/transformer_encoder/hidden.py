"""The whole encoder against the reference, and its gradients."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_that, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, seeds, sizes, valid_lengths

VOCAB, WIDTH, FFN = 13, 8, 7
SOFT, SHARP = 0.8, 4.0
ROUGH = 1e-3  # sharp attention enlarges the rounding of a table of positions in float32


@st.composite
def sentences(draw):
    """Tokens `(batch, steps)` and their lengths, int32 where there are any."""
    batch, steps = draw(sizes(2))
    tokens = torch.randint(0, VOCAB, (batch, steps), generator=torch.Generator().manual_seed(draw(seeds())))
    lengths = draw(valid_lengths((batch, steps, steps), lengths=("per example", "none")))
    return tokens, None if lengths is None else lengths.int()


@st.composite
def shapes(draw):
    """Numbers of heads and layers, and whether there are biases."""
    return draw(st.sampled_from([2, 1, 4])), draw(st.sampled_from([2, 1, 3])), draw(st.booleans())


def build(module, shape):
    """An encoder in float64."""
    heads, layers, use_bias = shape
    sizes = VOCAB, WIDTH, WIDTH, WIDTH, WIDTH, WIDTH, WIDTH, FFN
    return module.TransformerEncoder(*sizes, heads, layers, 0.0, use_bias).double()


def fill(encoder, weights):
    """Load weights, whatever the encoder calls its blocks."""
    theirs, own = _blocks(weights), _blocks(encoder.state_dict())
    assert_that(len(own) == len(theirs), f"`blks` holds the parameters of {len(own)} blocks, wanted {len(theirs)}")
    called = dict(zip(theirs, own, strict=True))
    renamed = {_renamed(name, called): value for name, value in weights.items()}
    encoder.load_state_dict(renamed, strict=False)
    return [_renamed(name, called) for name in weights]


@worth(2, hint="Follow one sentence: embedding, scale, positions, then each block in turn.", examples=6)
@given(shape=shapes(), case=sentences())
@torch.no_grad()
def encoder_equals_the_reference(student, reference, shape, case):
    """With the same weights, small or large, output and attention weights are those of the reference."""
    ours, theirs = build(reference, shape), build(student, shape)
    for seed, scale in enumerate((SOFT, SHARP)):
        weights = _drawn(ours, seed, scale)
        fill(ours, weights)
        fill(theirs, weights)
        wanted = ours(*case)
        assert_close(theirs(*case), wanted, rtol=ROUGH, atol=ROUGH, what="output")
        found = theirs.attention_weights
        for i, own in enumerate(ours.attention_weights):
            assert_close(found[i], own, rtol=ROUGH, atol=ROUGH, what=f"attention_weights[{i}]")


@worth(1, hint="Which tensor was detached, or made anew from numbers?", examples=3)
@given(shape=shapes(), case=sentences())
def every_parameter_learns(student, reference, shape, case):
    """Every parameter gets the gradient that it has in the reference, from the output and from the weights."""
    tokens, valid_lens = case
    encoders = build(reference, shape), build(student, shape)
    weights = _drawn(encoders[0], 2, 1.5)
    found = []
    for encoder in encoders:
        names = fill(encoder, weights)
        parameters = dict(encoder.named_parameters())
        for name in names:
            assert_that(name in parameters, f"there is no parameter {name}")
        output = encoder(tokens, valid_lens)
        slopes = torch.linspace(-1, 2, output.numel(), dtype=torch.float64).reshape(output.shape)
        last = encoder.attention_weights[-1]
        of_output = gradients(output * slopes, [parameters[name] for name in names], what="output")
        of_weights = gradients(last.square(), [parameters["embedding.weight"]], what="attention_weights")
        found.append(of_output + of_weights)
    places = [*weights, "embedding.weight, from the weights of the last layer"]
    for place, wanted, got in zip(places, *found, strict=True):
        assert_close(got, wanted, rtol=ROUGH, atol=ROUGH, what=f"gradient of {place}")


def _drawn(encoder, seed, scale):
    """Normal weights for every parameter, those of the attention with a standard deviation of their own."""
    state = amplify({name: value.detach() for name, value in encoder.named_parameters()}, seed, scale=SOFT)
    return {name: value * (scale / SOFT if "attention" in name else 1) for name, value in state.items()}


def _blocks(names):
    """What the blocks are called, in order."""
    return list(dict.fromkeys(name.split(".")[1] for name in names if name.startswith("blks.")))


def _renamed(name, called):
    head, _, rest = name.partition(".")
    block, _, part = rest.partition(".")
    return f"{head}.{called[block]}.{part}" if head == "blks" else name
