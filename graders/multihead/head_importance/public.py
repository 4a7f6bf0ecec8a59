"""What anyone can check about the importance of heads and about pruning them."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal

HINTS = (
    (
        "A head reaches the output only through W_o. Which columns of its weight belong to head i? With zeros there "
        "the head says nothing, and its bias stays."
    ),
    (
        "Measure the full loss and the loss with each head silent, in evaluation mode, on a copy or with the weights "
        "put back. A head that helps has a positive importance."
    ),
    (
        "Pruning builds a smaller layer: number the features as (heads, head_size) and keep those of the chosen "
        "heads, as rows of W_q, W_k and W_v, with their biases, and as columns of W_o."
    ),
)

HEADS, HEAD_SIZE = 4, 3
WIDTH = HEADS * HEAD_SIZE  # num_hiddens
KEPT = st.sampled_from([[2], [0, 3], [3, 1], [1, 2, 3], [0, 1, 2, 3]])


def arguments(seed=0):
    """Queries, keys, values and lengths."""
    return normal((2, 3, 5), seed), normal((2, 6, 7), seed + 1), normal((2, 6, 4), seed + 2), torch.tensor([4, 6])


def build(student, args, *, bias=False, dropout=0.0):
    """A layer with normal weights and an identity as `W_o`, so that every head shows in its slice of the output."""
    queries, keys, values, _ = args
    sizes = keys.shape[-1], queries.shape[-1], values.shape[-1]
    mha = student.MultiHeadAttention(*sizes, WIDTH, HEADS, dropout, bias).to(queries.dtype).eval()
    mha.load_state_dict(amplify(mha.state_dict(), seed=1) | {"W_o.weight": torch.eye(WIDTH, dtype=queries.dtype)})
    return mha


def call(function, *args):
    """The result of a call that needs no gradients."""
    assert_that(callable(function), "there is no layer to call: is a `return` missing?")
    with torch.no_grad():
        return function(*args)


def rated(output):
    """Every feature of every query at another rate; their sum is the loss."""
    assert_shape(output, (*output.shape[:2], WIDTH), what="what `loss_fn` was called with")
    return output * torch.linspace(-1, 2, output.numel()).reshape(output.shape).to(output.dtype)


def loss_fn(output):
    """A loss in which every feature counts, each differently."""
    return rated(output).sum()


def contributions(mha, args):
    """What the slice of each head adds to the loss when `W_o` is the identity."""
    state = mha.state_dict()
    mixed = call(mha, *args) - state.get("W_o.bias", torch.zeros(WIDTH, dtype=args[0].dtype))
    return rated(mixed).unflatten(-1, (HEADS, HEAD_SIZE)).sum((0, 1, 3))


def assert_measures(student, mha, args):
    """The importances depend on the values, and on nothing that came before."""
    queries, keys, values, valid_lens = args

    def importance(values):
        found = call(student.head_importance, mha, loss_fn, (queries, keys, values, valid_lens))
        return assert_shape(found, (HEADS,), what="importance")

    assert_responds(importance, values, values + 1, what="importance")


def assert_answers(pruned, args):
    """The output of the pruned layer has the full width, and depends on the values and on nothing that came before."""
    queries, keys, values, valid_lens = args

    def output(values):
        return assert_shape(call(pruned, queries, keys, values, valid_lens), (*queries.shape[:2], WIDTH), what="output")

    assert_responds(output, values, values + 1, what="output of the pruned layer")


@worth(1, gate=True, hint="Silence one head, compute the loss, and go on with the next: a tensor with `h` numbers.")
def every_head_gets_a_number(student):
    """`head_importance` gives a tensor with one number for each head, and it depends on the batch."""
    batch, other = arguments(0), arguments(9)
    mha = build(student, batch)
    assert_shape(call(student.head_importance, mha, loss_fn, batch), (HEADS,), what="importance")
    assert_responds(lambda drawn: call(student.head_importance, mha, loss_fn, drawn), batch, other, what="importance")


@worth(2, hint="First the loss with the head silent, then take the full loss from it.", examples=15)
@given(bias=st.booleans(), batch=attention_inputs())
def importance_is_what_silence_costs(student, bias, batch):
    """When `W_o` is the identity, silencing a head takes its slice of the output, and nothing else, from the loss."""
    mha = build(student, batch.args, bias=bias)
    wanted = -contributions(mha, batch.args)
    assert_measures(student, mha, batch.args)
    found = call(student.head_importance, mha, loss_fn, batch.args)
    assert_close(found, wanted, what="importance", rtol=1e-3, atol=1e-3, dtype=False)


@worth(1.5, hint="Print your importances: which head would you keep?", examples=8)
@given(head=st.sampled_from([2, 0, 3, 1]))
def head_that_does_the_work_stands_out(student, head):
    """When one head alone finds the answers, it is the most important one, by more than 0.5."""
    mha, batch, error = _retrieval(student, head)
    found = assert_shape(call(student.head_importance, mha, error, batch), (HEADS,), what="importance")
    best, second = found.topk(2).values.tolist()
    assert_that(int(found.argmax()) == head, f"head {head} does the work, yet another is the most important", got=found)
    assert_that(best - second > 0.5, f"head {head} leads by {best - second:.3f} only", importance=found)


@worth(1, hint="Dropout is noise in the loss. Which mode has none?")
def dropout_takes_no_part(student):
    """A layer in training mode, with dropout, gets the importances it has without dropout."""
    args = arguments()
    mha = build(student, args, dropout=0.5)
    wanted = -contributions(mha, args)
    found = call(student.head_importance, mha.train(), loss_fn, args)
    assert_close(found, wanted, what="importance", rtol=1e-3, atol=1e-3, dtype=False)


@worth(1, hint="Whatever you change for a measurement, put it back, or change a copy.")
@given(training=st.booleans())
def measuring_leaves_the_layer_as_it_was(student, training):
    """After `head_importance` the layer has the weights and the mode that it had before."""
    args = arguments()
    mha = build(student, args, bias=True).train(training)
    before = {name: value.clone() for name, value in mha.state_dict().items()}
    assert_measures(student, mha, args)
    dropping = build(student, args, dropout=0.5).train()
    call(student.head_importance, dropping, loss_fn, args)
    same = torch.equal(call(dropping, *args), call(dropping, *args))
    assert_that(not same, "after the call the layer no longer drops weights in training")
    for name, value in mha.state_dict().items():
        assert_unchanged(value, before[name], what=f"mha.{name}")
    modes = mha.training, mha.attention.training
    assert_that(
        modes == (training, training), f"the layer was left in {'evaluation mode' if training else 'training mode'}"
    )


@worth(2, hint="Which rows of `W_q`, `W_k` and `W_v` belong to a head, and which columns of `W_o`?", examples=15)
@given(keep=KEPT, bias=st.booleans(), case=attention_inputs())
def pruned_layer_shows_the_kept_slices(student, keep, bias, case):
    """When `W_o` is the identity, the pruned layer gives the slices of the kept heads as before, zeros elsewhere."""
    mha = build(student, case.args, bias=bias)
    silent = [head for head in range(HEADS) if head not in keep]
    state = mha.state_dict()
    biases = state.get("W_o.bias", torch.zeros(WIDTH))
    wanted = (call(mha, *case.args) - biases).unflatten(-1, (HEADS, HEAD_SIZE))
    wanted[:, :, silent] = 0
    pruned = call(student.prune_heads, mha, keep)
    assert_answers(pruned, case.args)
    assert_close(call(pruned, *case.args), wanted.flatten(2) + biases, what="output", rtol=1e-4, atol=1e-4)


@worth(1.5, hint="A layer that multiplies by zeros is as large and as slow as before.")
@given(keep=KEPT, bias=st.booleans())
def pruned_layer_is_smaller(student, keep, bias):
    """The pruned layer has the parameters of the kept heads, and no others."""
    args = arguments()
    pruned = call(student.prune_heads, build(student, args, bias=bias), keep)
    assert_answers(pruned, args)
    left = len(keep) * HEAD_SIZE
    wanted = {"W_q.weight": (left, 5), "W_k.weight": (left, 7), "W_v.weight": (left, 4), "W_o.weight": (WIDTH, left)}
    if bias:
        wanted |= {"W_q.bias": (left,), "W_k.bias": (left,), "W_v.bias": (left,), "W_o.bias": (WIDTH,)}
    found = {name: tuple(parameter.shape) for name, parameter in pruned.named_parameters()}
    for name in sorted(wanted | found):
        assert_that(name in wanted, f"the pruned layer has a parameter {name}, which the full one has not")
        assert_that(name in found, f"the pruned layer has no parameter {name}")
        assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")


@worth(1, hint="Build a new layer; the old one is still needed.")
@given(keep=KEPT, training=st.booleans())
def pruning_leaves_the_layer_as_it_was(student, keep, training):
    """After `prune_heads` the full layer has the weights and the output that it had before."""
    args = arguments()
    mha = build(student, args, bias=True).train(training)
    before = {name: value.clone() for name, value in mha.state_dict().items()}
    output = call(mha, *args)
    pruned = call(student.prune_heads, mha, keep)
    modes = mha.training, mha.attention.training
    assert_that(
        modes == (training, training), f"the layer was left in {'evaluation mode' if training else 'training mode'}"
    )
    pruned.train(not training)
    assert_answers(pruned, args)
    modes = mha.training, mha.attention.training
    assert_that(modes == (training, training), "switching the mode of the pruned layer switched that of the full one")
    weights = mha.attention.attention_weights
    assert_shape(weights, (2 * HEADS, 3, 6), what="mha.attention.attention_weights after a call of the pruned layer")
    for name, value in mha.state_dict().items():
        assert_unchanged(value, before[name], what=f"mha.{name}")
    assert_close(call(mha, *args), output, what="output of the full layer")


@worth(1, hint="Measure, drop the head with the smallest importance, and measure again.", examples=8)
@given(head=st.sampled_from([2, 0, 3, 1]))
def nobody_misses_the_least_important_head(student, head):
    """When one head alone does the work, pruning the least important head changes the loss by at most 0.01."""
    mha, batch, error = _retrieval(student, head)
    before = error(call(mha, *batch)).item()
    found = assert_shape(call(student.head_importance, mha, error, batch), (HEADS,), what="importance")
    least = int(found.abs().argmin())
    pruned = call(student.prune_heads, mha, [other for other in range(HEADS) if other != least])
    after = error(call(pruned, *batch)).item()
    assert_that(abs(after - before) <= 0.01, f"without head {least} the loss is {after:.3f}, before {before:.3f}")


@worth(1, group="robust", hint="A slice of a tensor is a window onto the same memory; `clone` is not.", examples=8)
@given(keep=st.sampled_from([[0, 1, 2, 3], [0, 1], [2]]))
def pruned_layer_has_weights_of_its_own(student, keep):
    """Other weights in the pruned layer do not change the full one."""
    args = arguments()
    mha = build(student, args, bias=True)
    before = {name: value.clone() for name, value in mha.state_dict().items()}
    pruned = call(student.prune_heads, mha, keep)
    assert_answers(pruned, args)
    dropping = call(student.prune_heads, build(student, args, dropout=0.5), keep).train()
    same = torch.equal(call(dropping, *args), call(dropping, *args))
    assert_that(not same, "the pruned layer does not drop weights in training")
    pruned.load_state_dict(amplify(pruned.state_dict(), seed=2))
    for name, value in mha.state_dict().items():
        assert_unchanged(value, before[name], what=f"mha.{name}")


@worth(0.5, group="robust", hint="A new layer is float32 until you say otherwise.")
@given(dtype=st.sampled_from([torch.float64, torch.bfloat16]))
def pruned_layer_keeps_the_dtype(student, dtype):
    """The parameters and the output of the pruned layer have the dtype of the full one."""
    *tensors, valid_lens = arguments()
    args = (*(tensor.to(dtype) for tensor in tensors), valid_lens)
    pruned = call(student.prune_heads, build(student, args), [1, 2])
    assert_answers(pruned, args)
    for name, parameter in pruned.named_parameters():
        assert_dtype(parameter, dtype, what=name)
    assert_dtype(call(pruned, *args), dtype, what="output")


@worth(0.5, group="robust", hint="Make new tensors instead of changing those in `batch`.", examples=10)
@given(batch=attention_inputs())
def batch_is_left_alone(student, batch):
    """Queries, keys, values and lengths are after `head_importance` what they were before."""
    if batch.valid_lens is not None:
        batch.valid_lens.view(-1)[0] += 3
    before = [None if argument is None else argument.clone() for argument in batch.args]
    assert_measures(student, build(student, batch.args), batch.args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), batch.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)


def _retrieval(student, head):
    """A layer in which one head finds the key that a query resembles, and the others whisper; a batch; the error.

    Keys are random, each carries one of eight labels as its value, and the output's first eight features are logits.
    """
    labels = 8
    mha = student.MultiHeadAttention(labels, labels, labels, HEADS * labels, HEADS, 0.0).eval()
    state = amplify(mha.state_dict(), seed=3, scale=0.05)
    own = slice(head * labels, (head + 1) * labels)
    state["W_q.weight"][own] = state["W_k.weight"][own] = 2 * torch.eye(labels)
    state["W_v.weight"][own] = torch.eye(labels)
    state["W_o.weight"][:labels, own] = 6 * torch.eye(labels)
    mha.load_state_dict(state)
    keys = normal((16, labels, labels), 4)
    order = torch.stack([torch.randperm(labels, generator=torch.Generator().manual_seed(seed)) for seed in range(16)])
    batch = keys[:, :5] + normal((16, 5, labels), 5, scale=0.1), keys, torch.eye(labels)[order], None

    def error(output):
        logits = assert_shape(output, (16, 5, HEADS * labels), what="what `loss_fn` was called with")[..., :labels]
        return nn.functional.cross_entropy(logits.flatten(0, 1), order[:, :5].flatten())

    return mha, batch, error
