"""Multi-head attention against a loop over its heads, and its gradients against the reference."""

from __future__ import annotations

from math import sqrt

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import assert_close, assert_responds, assert_shape, assert_that, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal

DOUBLE = torch.float64
WIDTH = 12  # num_hiddens, unlike any other size
SOFT, SHARP = 1.0, 4.0
HEADS = st.sampled_from([2, 1, 4, 3])


def build(module, args, heads, **options):
    """A layer for these arguments in float64."""
    queries, keys, values, _ = args
    sizes = keys.shape[-1], queries.shape[-1], values.shape[-1]
    return module.MultiHeadAttention(*sizes, WIDTH, heads, 0.0, **options).double()


@worth(1.5, hint="Compare with a loop over the heads: which head differs first?", examples=15)
@given(heads=HEADS, bias=st.booleans(), case=attention_inputs(dtype=DOUBLE))
def output_is_that_of_a_loop_over_heads(student, heads, bias, case):
    """The output is that of a loop over the heads."""
    layer = build(student, case.args, heads, bias=bias)
    for seed in (0, 1):
        state = amplify(layer.state_dict(), seed, scale=SOFT)
        layer.load_state_dict(state)
        assert_close(layer(*case.args), _loop_over_heads(state, case, heads), what="output")


@worth(2, hint="Large weights make attention choose single keys. Is it the right projection that chooses?", examples=15)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def sharp_output_is_that_of_a_loop_over_heads(student, heads, case):
    """The output is that of a loop over the heads when weights are large and attention far from uniform."""
    layer = build(student, case.args, heads)
    valid_lens = None if case.valid_lens is None else case.valid_lens.int()
    for seed in (2, 3):
        state = amplify(layer.state_dict(), seed, scale=SHARP)
        layer.load_state_dict(state)
        wanted = _loop_over_heads(state, case, heads)
        assert_close(layer(*case.args[:3], valid_lens), wanted, what="output")


@worth(1, hint="Head i owns the features i * d to (i + 1) * d, and nobody else does.", examples=6)
@given(heads=st.sampled_from([2, 4, 3]))
def heads_are_isolated(student, heads):
    """Other weights in the projections of one head change its attention and its output, and no other head's."""
    args = (*(normal(shape, seed, dtype=DOUBLE) for seed, shape in enumerate([(2, 5, 3), (2, 6, 7), (2, 6, 4)])), None)
    layer = build(student, args, heads)
    state = amplify(layer.state_dict(), heads) | {"W_o.weight": torch.eye(WIDTH, dtype=DOUBLE)}

    def answer(state):
        layer.load_state_dict(state)
        output = assert_shape(layer(*args), (2, 5, WIDTH), what="output")
        weights = assert_shape(layer.attention.attention_weights, (2 * heads, 5, 6), what="attention_weights")
        return output.detach().unflatten(-1, (heads, -1)).movedim(2, 0), weights.detach().unflatten(
            0, (2, heads)
        ).movedim(1, 0)

    before = answer(state)
    size = WIDTH // heads
    for head in range(heads):
        changed = {name: value.clone() for name, value in state.items()}
        for role in "qkv":
            changed[f"W_{role}.weight"][head * size : (head + 1) * size] += normal((size, 1), head, dtype=DOUBLE)
        for what, then, now in zip(("output", "attention_weights"), before, answer(changed), strict=True):
            others = [other for other in range(heads) if other != head]
            assert_close(now[others], then[others], what=f"all heads but {head}: {what}")
            assert_that(not torch.allclose(now[head], then[head]), f"the {what} of head {head} did not change")


@worth(1, hint="Which of your tensors was detached, or made anew from numbers?", examples=12)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def gradients_equal_the_reference(student, reference, heads, case):
    """Every input and every matrix gets the gradient of the reference."""
    layers = [build(module, case.args, heads) for module in (reference, student)]
    names = list(layers[0].state_dict())
    for seed in (4, 5):
        state = amplify(layers[0].state_dict(), seed, scale=0.5)
        found = []
        for layer in layers:
            layer.load_state_dict(state)
            parameters = dict(layer.named_parameters())
            leaves = [tensor.clone().requires_grad_() for tensor in case.args[:3]]
            output = layer(*leaves, case.valid_lens)
            weights = layer.attention.attention_weights
            slopes = torch.linspace(0, 1, weights.numel(), dtype=DOUBLE).reshape(weights.shape)
            of_weights = gradients(weights * slopes, leaves[:2], what="attention_weights")
            of_output = gradients(output, [*leaves, *(parameters[name] for name in names)], what="output")
            found.append(of_output + of_weights)
        places = ["queries", "keys", "values", *names, "queries, from the weights", "keys, from the weights"]
        for place, wanted, got in zip(places, *found, strict=True):
            assert_close(got, wanted, what=f"gradient of {place}")


@worth(0.5, hint="Make no tensor on the CPU by habit: take the device from the inputs.")
def computes_where_its_inputs_are(student):
    """On another device than the CPU the output is on that device."""
    args = (*(normal(shape, seed, dtype=DOUBLE) for seed, shape in enumerate([(2, 5, 3), (2, 6, 7), (2, 6, 4)])), None)
    layer = build(student, args, heads=3)
    assert_responds(lambda values: layer(*args[:2], values, None), args[2], args[2] + 1, what="output")
    output = layer.to("meta")(*(tensor.to("meta") for tensor in args[:3]), None)
    assert_shape(output, (2, 5, WIDTH), what="output")
    assert_that(output.device.type == "meta", f"the output is on the device {output.device}, wanted that of the inputs")


def _loop_over_heads(state, case, heads):
    """The definition: every head attends by itself, and `W_o` mixes what they found."""

    def linear(X, role):
        return nn.functional.linear(X, state[f"W_{role}.weight"], state.get(f"W_{role}.bias"))

    projected = (linear(X, role).chunk(heads, dim=-1) for X, role in zip(case.args, "qkv", strict=False))
    found = []
    for q, k, v in zip(*projected, strict=True):
        scores = q @ k.transpose(1, 2) / sqrt(q.shape[-1])  # (batch, queries, keys)
        found.append(scores.masked_fill(case.padded, -torch.inf).softmax(-1) @ v)
    return linear(torch.cat(found, dim=-1), "o")
