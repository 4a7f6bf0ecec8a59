"""Additive heads against a loop over them, the Transformer against the reference, and one that learns to reverse."""

from __future__ import annotations

import torch
from given.dates import BOS, EOS
from given.reversal import LONGEST, VOCAB_SIZE, reversal_pairs
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import (
    assert_close,
    assert_measured,
    assert_responds,
    assert_shape,
    assert_that,
    gradients,
    record,
)
from headcheck.costs import measure
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal, seeds

DOUBLE = torch.float64
WIDTH = 12  # num_hiddens, unlike any other size
HEADS = st.sampled_from([2, 1, 4, 3])
LEAST_SECONDS = 0.02  # what a call is taken to cost at least
TRAIN, TEST = 2048, 200
TRAINING = {"steps": 250, "lr": 5e-3, "warmup": 20, "clip": 1.0}
RIGHT_TOKENS = 0.90
SEEDS = (0,)


def build(module, args, heads):
    """A layer for these arguments in float64."""
    queries, keys, values, _ = args
    sizes = keys.shape[-1], queries.shape[-1], values.shape[-1]
    return module.AdditiveMultiHeadAttention(*sizes, WIDTH, heads, 0.0).double()


def arguments():
    """Queries of width 3, keys of width 7, values of width 4, and no lengths."""
    return *(normal(shape, seed, dtype=DOUBLE) for seed, shape in enumerate([(2, 5, 3), (2, 6, 7), (2, 6, 4)])), None


def loop_over_heads(state, case, heads):
    """The definition: every head scores its own features with the one scorer, and `W_o` mixes what they found."""

    def linear(X, name):
        return nn.functional.linear(X, state[f"{name}.weight"])

    names = "W_q", "W_k", "W_v"
    projected = (linear(X, name).chunk(heads, dim=-1) for X, name in zip(case.args, names, strict=False))
    found = []
    for q, k, v in zip(*projected, strict=True):
        features = linear(q, "attention.W_q")[:, :, None] + linear(k, "attention.W_k")[:, None]
        scores = linear(features.tanh(), "attention.w_v").squeeze(-1)  # (batch, queries, keys)
        found.append(scores.masked_fill(case.padded, -torch.inf).softmax(-1) @ v)
    return linear(torch.cat(found, dim=-1), "W_o")


@worth(0.5, hint="Compare with a loop over the heads: which head differs first?", examples=8)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE), seed=seeds())
def output_is_that_of_a_loop_over_heads(student, heads, case, seed):
    """The output is that of a loop over the heads."""
    layer = build(student, case.args, heads)
    state = amplify(layer.state_dict(), seed, scale=0.5)
    layer.load_state_dict(state)
    assert_close(layer(*case.args), loop_over_heads(state, case, heads), what="output")


@worth(
    1.5, hint="Large weights make attention choose single keys. Is it the right projection that chooses?", examples=10
)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE), seed=seeds())
def sharp_output_is_that_of_a_loop_over_heads(student, heads, case, seed):
    """The output is that of a loop over the heads when weights are large and attention far from uniform."""
    layer = build(student, case.args, heads)
    valid_lens = None if case.valid_lens is None else case.valid_lens.int()
    for scale in (1.0, 4.0):
        state = amplify(layer.state_dict(), seed, scale=scale)
        layer.load_state_dict(state)
        wanted = loop_over_heads(state, case, heads)
        assert_close(layer(*case.args[:3], valid_lens), wanted, what="output")


@worth(0.5, hint="Head i owns the features i * d to (i + 1) * d, and nobody else does.", examples=3)
@given(heads=st.sampled_from([2, 4, 3]))
def heads_are_isolated(student, heads):
    """Other weights in the projections of one head change its attention and its output, and no other head's."""
    args = arguments()
    layer = build(student, args, heads)
    state = amplify(layer.state_dict(), heads, scale=0.5) | {"W_o.weight": torch.eye(WIDTH, dtype=DOUBLE)}

    def answer(state):
        layer.load_state_dict(state)
        output = assert_shape(layer(*args), (2, 5, WIDTH), what="output").detach()
        weights = assert_shape(layer.attention.attention_weights, (2 * heads, 5, 6), what="attention_weights").detach()
        return output.unflatten(-1, (heads, -1)).movedim(2, 0), weights.unflatten(0, (2, heads)).movedim(1, 0)

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


@worth(0.5, hint="Which of your tensors was detached, or made anew from numbers?", examples=6)
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE), seed=seeds())
def gradients_equal_the_reference(student, reference, heads, case, seed):
    """Every input and every matrix gets the gradient of the reference."""
    layers = [build(module, case.args, heads) for module in (reference, student)]
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
        of_output = gradients(output, [*leaves, *(parameters[name] for name in state)], what="output")
        found.append(of_output + of_weights)
    places = ["queries", "keys", "values", *state, "queries, from the weights", "keys, from the weights"]
    for place, wanted, got in zip(places, *found, strict=True):
        assert_close(got, wanted, what=f"gradient of {place}")


@worth(0.5, hint="Make no tensor on the CPU by habit: take the device from the inputs.")
def computes_where_its_inputs_are(student):
    """On another device than the CPU the output is on that device."""
    args = arguments()
    layer = build(student, args, heads=3)
    assert_responds(lambda values: layer(*args[:2], values, None), args[2], args[2] + 1, what="output")
    output = layer.to("meta")(*(tensor.to("meta") for tensor in args[:3]), torch.ones(2, device="meta").long())
    assert_shape(output, (2, 5, WIDTH), what="output")
    assert_that(output.device.type == "meta", f"the output is on the device {output.device}, wanted that of the inputs")


@worth(0.5, hint="A head compares its own queries with its own keys. What else do you compare?")
def heads_are_compared_with_themselves_only(student):
    """One number for each pair and feature is enough, and 8 heads take about the CPU time of one head as wide."""
    n, width = 224, 64
    X = normal((1, n, width), 0)
    seconds = {}
    for heads in (1, 8):
        layer = student.AdditiveMultiHeadAttention(width, width, width, width, heads, 0.0).eval()
        costs = [measure(layer, X, X, X, None) for _ in range(2)]
        largest = costs[0].largest
        found = f"for {n} x {n} pairs and {width} features there is a tensor of {largest} numbers"
        assert_that(largest <= 2 * n * n * width, found)
        seconds[heads] = max(LEAST_SECONDS, min(cost.cpu_seconds for cost in costs))
    slower = seconds[8] / seconds[1]
    assert_that(slower <= 5, f"8 heads take {slower:.0f} times the CPU of one")


@worth(1, hint="Only the kind of attention changes: what it reads, and where its answer goes, stay.", examples=2)
@given(heads=st.sampled_from([2, 4]), layers=st.sampled_from([1, 2]), seed=seeds())
def transformer_equals_the_reference(student, reference, heads, layers, seed):
    """With the same parameters the logits of the Transformer are the reference's, be its attention soft or sharp."""
    src, words = (normal(shape, seed).abs().mul(3).long().clamp(max=8) for shape in ((3, 6), (3, 5)))
    src_lens = torch.tensor([6, 1, 4])
    models = []
    for module in (reference, student):
        sizes = {"num_hiddens": 8, "ffn_num_hiddens": 12, "num_heads": heads, "num_layers": layers}
        models.append(module.build_additive_transformer(module.TransformerConfig(10, 9, **sizes)).double())
    for scale in (0.5, 4.0):
        state = amplify({canonical(name): value for name, value in models[0].named_parameters()}, seed, scale=0.8)
        state = {name: value * (scale if "attention" in name else 1) for name, value in state.items()}
        for model in models:
            own = model.state_dict()
            model.load_state_dict({name: state.get(canonical(name), value) for name, value in own.items()})
        wanted, _ = models[0](src, words, src_lens)
        logits, _ = models[1](src, words, src_lens)
        assert_close(logits, wanted.detach(), rtol=1e-5, atol=1e-5, what="logits")


def canonical(name):
    """The name of a parameter, however the blocks are numbered: `blks.0` or `blks.block0`."""
    return name.replace("blks.block", "blks.")


@worth(3, training=True, hint="Does the optimizer reach every matrix that you put in?")
def transformer_learns_to_reverse(student):
    """After 250 steps it has 90 % of the tokens of new reversed sequences right.

    Measured over 16 seeds: 0.956 to 0.996. Over 10 seeds a scorer without tanh gets at most 0.81, and attention that is
    not trained at most 0.71. A missing mask is not seen here, but by other properties.
    """
    for seed in SEEDS:
        share = share_of_right_tokens(student, torch.Generator().manual_seed(seed))
        assert_measured(share, at_least=RIGHT_TOKENS, what="the share of right tokens")


def share_of_right_tokens(student, generator):
    """Train a model from initial values of our own, and have it reverse new sequences."""
    pairs, new = (reversal_pairs(count, generator=generator) for count in (TRAIN, TEST))
    model = student.build_additive_transformer(student.TransformerConfig(VOCAB_SIZE, VOCAB_SIZE))
    names = {name for name, _ in model.named_parameters()}
    state = model.state_dict()
    model.load_state_dict(state | {name: initial(name, state[name], generator) for name in state if name in names})
    record("the loss", student.fit(model, pairs, **TRAINING, generator=generator))
    src, src_lens, labels, label_lens = new
    found = student.greedy_decode(model, src, src_lens, BOS, EOS, LONGEST + 1)
    tokens = sum(
        sum(a == b for a, b in zip([*got, EOS], row[:length], strict=False))
        for got, row, length in zip(found, labels.tolist(), label_lens.tolist(), strict=True)
    )
    return tokens / int(label_lens.sum())


def initial(name, value, generator):
    """Small embeddings, matrices by Glorot and Bengio, biases 0, and layer norms that do nothing yet."""
    if "embedding" in name:
        return 0.5 / value.shape[1] ** 0.5 * torch.randn(value.shape, generator=generator)
    if value.dim() == 2:
        return nn.init.xavier_uniform_(torch.empty_like(value), generator=generator)
    return torch.full_like(value, float(name.endswith("weight")))
