"""Importance and pruning by definition, in layers that mix their heads."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_shape
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs

WIDTH = 12  # num_hiddens
HEADS = st.sampled_from([4, 2, 3])
KEPT = (4, [2]), (4, [0, 3]), (4, [1, 2, 3]), (4, [0, 1, 2, 3]), (4, [3, 1]), (3, [0, 2]), (2, [1])
SEEDS = (6, 7)


def build(module, args, heads, *, bias):
    """A layer for these arguments in evaluation mode."""
    queries, keys, values, _ = args
    sizes = keys.shape[-1], queries.shape[-1], values.shape[-1]
    return module.MultiHeadAttention(*sizes, WIDTH, heads, 0.0, bias).eval()


@worth(2.5, hint="Everything is the same in the two losses but one head's slice.", examples=15)
@given(heads=HEADS, bias=st.booleans(), batch=attention_inputs())
@torch.no_grad()
def importance_is_the_difference_of_two_losses(student, reference, heads, bias, batch):
    """Each importance is the loss with the head silent minus the full loss."""
    layers = build(reference, batch.args, heads, bias=bias), build(student, batch.args, heads, bias=bias)
    for seed in SEEDS:
        state = amplify(layers[0].state_dict(), seed, scale=0.7)
        for layer in layers:
            layer.load_state_dict(state)
        target = layers[0](*batch.args).roll(1, -1)

        def loss_fn(output, target=target):
            assert_shape(output, tuple(target.shape), what="what `loss_fn` was called with")
            return (output - target).square().mean().sqrt()

        wanted = reference.head_importance(layers[0], loss_fn, batch.args)
        found = student.head_importance(layers[1], loss_fn, batch.args)
        assert_close(found, wanted, what="importance", rtol=1e-3, atol=1e-3, dtype=False)


@worth(2, hint="Silence the other heads in the full layer, and compare the outputs.", examples=6)
@given(bias=st.booleans(), case=attention_inputs())
@torch.no_grad()
def pruned_layer_equals_the_gated_one(student, reference, bias, case):
    """The pruned layer gives the output of the full layer whose other heads are silent."""
    for seed, (heads, keep) in enumerate(KEPT):
        full, gated = (build(module, case.args, heads, bias=bias) for module in (student, reference))
        state = amplify(full.state_dict(), seed)
        full.load_state_dict(state)
        W_o = state["W_o.weight"].unflatten(1, (heads, -1)).clone()
        W_o[:, [head for head in range(heads) if head not in keep]] = 0
        gated.load_state_dict(state | {"W_o.weight": W_o.flatten(1)})
        wanted = gated(*case.args)
        pruned = student.prune_heads(full, keep)
        assert_close(pruned(*case.args), wanted, what=f"output with the heads {keep} of {heads}", rtol=1e-3, atol=1e-3)
