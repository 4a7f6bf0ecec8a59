"""What anyone can check about the costs of a layer: they are those of real layers."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import assert_responds, assert_that
from headcheck.costs import measure
from headcheck.properties import worth

HINTS = (
    "Count for one token first: which matrices meet it, and how large are they? Then multiply by the number of tokens.",
    (
        "Attention has two products: every token with every other for the scores, and weights with values for the "
        "mixing. How long is each sum?"
    ),
    (
        "A convolution of k neighbours reaches k // 2 to each side in one layer. How many such steps is the way from "
        "the first token to the last, rounded up?"
    ),
)

DOUBLE = torch.float64
KINDS = ("conv", "rnn", "self_attention")
LENGTHS, WIDTHS = st.sampled_from([5, 2, 9, 16, 1]), st.sampled_from([4, 3, 7, 12, 1])
KERNELS = st.sampled_from([3, 5, 7])


def assert_int(got, wanted, what):
    """It is this whole number, and an int."""
    assert_that(
        isinstance(got, int) and not isinstance(got, bool), f"{what} is not an int but a {type(got).__name__}", got=got
    )
    assert_that(got == wanted, f"{what} is {got}, wanted {wanted}", got=got)


def products(layer, n, d):
    """Multiply-adds that PyTorch counts while the layer works on n tokens of d features."""
    flops = measure(layer, torch.zeros(1, n, d, dtype=DOUBLE)).flops
    return flops // 2


def conv(d, k):
    """A convolution over positions, as a layer on (batch, positions, features)."""
    layer = nn.Conv1d(d, d, k, padding=k // 2, bias=False, dtype=DOUBLE)
    return lambda X: layer(X.transpose(1, 2)).transpose(1, 2)


def rnn(d):
    """A recurrent layer on (batch, positions, features)."""
    layer = nn.RNN(d, d, bias=False, batch_first=True, dtype=DOUBLE)
    return lambda X: layer(X)[0]


def self_attention(X):
    """Scores and mixing, without projections."""
    return (X @ X.transpose(1, 2)).softmax(-1) @ X


def depth_of_connection(layer, n):
    """How often the layer must be applied until the last output depends on the first of n inputs, each one number."""
    X = H = torch.linspace(0, 1, n, dtype=DOUBLE).reshape(1, n, 1).requires_grad_()
    depth, connected = 0, False
    while not connected:
        depth, H = depth + 1, layer(H)
        (gradient,) = torch.autograd.grad(H[0, -1, 0], X, retain_graph=True)
        connected = bool(gradient[0, 0, 0] != 0)
    return depth


def averages(k):
    """A convolution of one channel that takes the mean of k neighbours."""
    weight = torch.full((1, 1, k), 1 / k, dtype=DOUBLE)
    return lambda X: nn.functional.conv1d(X.transpose(1, 2), weight, padding=k // 2).transpose(1, 2)


@worth(1, gate=True, hint="Return an int that grows with n, for each of the three kinds.")
def each_kind_has_a_count(student):
    """`multiply_adds` returns whole numbers that depend on the number of tokens."""
    for kind in KINDS:
        found = student.multiply_adds(kind, 3, 4)
        assert_that(isinstance(found, int), f"multiply_adds({kind!r}, 3, 4) is not an int but {found!r}")
        assert_responds(lambda n, kind=kind: student.multiply_adds(kind, n, 4), 3, 6, what=f"multiply_adds({kind!r})")


@worth(
    1.5,
    hint="A convolution is k matrices, one for each neighbour. How large is each, and how often is it used?",
    examples=30,
)
@given(n=LENGTHS, d=WIDTHS, k=KERNELS)
def convolution_costs_what_torch_counts(student, n, d, k):
    """The count for a convolution is that of nn.Conv1d with padding."""
    wanted = products(conv(d, k), n, d)
    assert_int(student.multiply_adds("conv", n, d, k), wanted, f"multiply_adds('conv', {n}, {d}, {k})")


@worth(1.5, hint="Two matrices meet each token: one takes the input, the other the state.", examples=20)
@given(n=LENGTHS, d=WIDTHS)
def recurrence_costs_what_torch_counts(student, n, d):
    """The count for a recurrent layer is that of nn.RNN, whatever k is."""
    wanted = products(rnn(d), n, d)
    assert_int(student.multiply_adds("rnn", n, d), wanted, f"multiply_adds('rnn', {n}, {d})")
    assert_int(student.multiply_adds("rnn", n, d, 7), wanted, f"multiply_adds('rnn', {n}, {d}, 7)")


@worth(
    1.5, hint="Each token meets each token twice: once for a score, and once when the values are mixed.", examples=20
)
@given(n=LENGTHS, d=WIDTHS)
def attention_costs_what_torch_counts(student, n, d):
    """The count for self-attention is that of its two matrix products, whatever k is."""
    wanted = products(self_attention, n, d)
    assert_int(student.multiply_adds("self_attention", n, d), wanted, f"multiply_adds('self_attention', {n}, {d})")
    what = f"multiply_adds('self_attention', {n}, {d}, 7)"
    assert_int(student.multiply_adds("self_attention", n, d, 7), wanted, what)


@worth(1, hint="Set the two counts equal and solve for n.", examples=10)
@given(d=st.integers(2, 40))
def attention_overtakes_recurrence_at_n_equals_d(student, d):
    """Attention is cheaper than a recurrent layer for fewer than d tokens, and dearer for more."""

    def dearer(n):
        """How many products more attention takes."""
        return student.multiply_adds("self_attention", n, d) - student.multiply_adds("rnn", n, d)

    found = {n: dearer(n) for n in (d - 1, d, d + 1)}
    signs = [found[d - 1] < 0, found[d] == 0, found[d + 1] > 0]
    assert_that(all(signs), f"at d = {d} and n = {d - 1}, {d}, {d + 1} attention takes {list(found.values())} more")


@worth(1, hint="When can the second token be computed: at once, or after the first?", examples=10)
@given(n=st.integers(1, 40))
def recurrence_takes_a_step_per_token(student, n):
    """A recurrent layer takes as many steps in a row as nn.RNN takes, one for each token."""
    steps = measure(rnn(2), torch.zeros(1, n, 2, dtype=DOUBLE)).operations.count("aten.tanh.default")
    assert_int(student.sequential_steps("rnn", n), steps, f"sequential_steps('rnn', {n})")


@worth(1, hint="Which output of a convolution, or of attention, needs another output of the same layer?", examples=10)
@given(n=st.integers(2, 40))
def others_take_one_step(student, n):
    """A convolution and self-attention take a single step, and a recurrent layer takes more."""
    for kind in ("conv", "self_attention"):
        assert_int(student.sequential_steps(kind, n), 1, f"sequential_steps({kind!r}, {n})")
    assert_that(student.sequential_steps("rnn", n) > 1, f"sequential_steps('rnn', {n}) is no more than 1")


@worth(
    2, hint="How far does the first input get in one layer? And what if the way is no multiple of that?", examples=24
)
@given(n=st.sampled_from([5, 9, 16, 2, 3, 4, 7, 12]), k=KERNELS)
def convolutions_connect_when_autograd_says_so(student, n, k):
    """The depth for a convolution is that at which the last output gets its first gradient from the first input."""
    wanted = depth_of_connection(averages(k), n)
    assert_int(student.layers_to_connect("conv", n, k), wanted, f"layers_to_connect('conv', {n}, {k})")


@worth(1, hint="Layers, not steps: what does the last output of one single layer depend on?", examples=10)
@given(n=st.integers(2, 12))
def others_connect_in_one_layer(student, n):
    """A recurrent layer and self-attention connect all tokens at once, and a convolution needs more for many tokens."""
    for kind, layer in {"rnn": rnn(1), "self_attention": self_attention}.items():
        wanted = depth_of_connection(layer, n)
        assert_int(student.layers_to_connect(kind, n), wanted, f"layers_to_connect({kind!r}, {n})")
    assert_that(student.layers_to_connect("conv", 9) > 1, "layers_to_connect('conv', 9) is no more than 1")


@worth(0.5, hint="Give k a default in both functions.", examples=10)
@given(n=st.integers(2, 20), d=st.integers(1, 9))
def kernel_of_three_is_the_default(student, n, d):
    """Without k a convolution looks at three tokens."""
    wanted = products(conv(d, 3), n, d)
    assert_int(student.multiply_adds("conv", n, d), wanted, f"multiply_adds('conv', {n}, {d})")
    assert_int(student.layers_to_connect("conv", n), n - 1, f"layers_to_connect('conv', {n})")


@worth(1, hint="A product of ints is an int of any length; `/` and `1e3` make floats, which end after 16 digits.")
def digits_are_not_lost(student):
    """The counts are exact where a float would be rounded."""
    few, many = 1001, 30_000_001
    wanted = {
        ("conv", few, many): 3 * few * many**2,
        ("rnn", few, many): 2 * few * many**2,
        ("self_attention", many, few): 2 * many**2 * few,
    }
    for arguments, number in wanted.items():
        assert_int(student.multiply_adds(*arguments), number, f"multiply_adds{arguments}")
