"""What anyone can check about the position-wise feed-forward network, without a solution at hand."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import step, worth
from headcheck.strategies import amplify, normal, seeds, sizes

HINTS = (
    (
        "nn.Linear acts on the last axis and leaves all others alone. What is there to do, then, for every position "
        "to be served by the same network?"
    ),
    (
        "Two layers with something between them that lets only positive numbers through. Which sizes go in and out of "
        "each, in the order of the constructor's arguments?"
    ),
    (
        "Only one thing stands between the two layers, and nothing follows the second one: no dropout, no residual, "
        "no norm. Those are other modules' business."
    ),
)

DOUBLE = torch.float64
INPUTS, HIDDENS, OUTPUTS = 7, 9, 8  # no count of examples or positions is as large
PARAMETERS = {
    "dense1.weight": (HIDDENS, INPUTS),
    "dense1.bias": (HIDDENS,),
    "dense2.weight": (OUTPUTS, HIDDENS),
    "dense2.bias": (OUTPUTS,),
}


def build(student, *, outputs=OUTPUTS, dtype=DOUBLE):
    """A network in evaluation mode with normal weights and biases."""
    network = student.PositionWiseFFN(INPUTS, HIDDENS, outputs).double()
    network.load_state_dict(amplify(network.state_dict(), outputs))
    return network.to(dtype).eval()


def build_identity(student, size, *, sign=1):
    """A network whose layers have no biases and the identity as weights, the second one times `sign`."""
    network = student.PositionWiseFFN(size, size, size).double().eval()
    eye = torch.eye(size, dtype=DOUBLE)
    weights = {"dense1.weight": eye, "dense2.weight": sign * eye}
    network.load_state_dict({name: weights.get(name, torch.zeros_like(p)) for name, p in network.state_dict().items()})
    return network


def sequences(shape, seed, *, dtype=DOUBLE):
    """Sequences `(batch, positions, inputs)`."""
    return normal((*shape, INPUTS), seed, dtype=dtype)


@worth(1, gate=True, examples=10, hint="Return what `dense2` makes of the hidden features: one row for every position.")
@given(shape=sizes(2, low=2), seed=seeds())
def every_position_gets_an_output(student, shape, seed):
    """The output has a row of `ffn_num_outputs` features for every position, and depends on the input."""
    network, X = build(student), sequences(shape, seed)
    output = assert_shape(network(X.clone()), (*shape, OUTPUTS), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(lambda x: network(x.clone()), X, 5 * sequences(shape, seed + 1), what="output")


@worth(1, hint="Take the numbers of the example, and print what there is after each of the three steps.")
def example_comes_out(student):
    """With the weights of the example the network takes the absolute value."""
    network = student.PositionWiseFFN(1, 2, 1)
    weights = {"dense1.weight": torch.tensor([[1.0], [-1.0]]), "dense2.weight": torch.tensor([[1.0, 1.0]])}
    network.load_state_dict({name: weights.get(name, torch.zeros_like(p)) for name, p in network.state_dict().items()})
    assert_close(network(torch.tensor([[[3.0], [-2.0]]])), torch.tensor([[[3.0], [2.0]]]), what="output")


@worth(1.5, hint="`nn.Linear` twice, with the bias that it has by default; a ReLU has nothing to learn.")
def two_layers_with_biases_are_learnt(student):
    """The parameters are the weights and biases of `dense1` and `dense2`, and each of them matters."""
    network = build(student)
    found = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    for name, shape in PARAMETERS.items():
        assert_that(name in found, f"there is no parameter {name}")
        assert_that(found[name] == shape, f"{name} has shape {found[name]}, wanted {shape}")
    extra = sorted(found.keys() - PARAMETERS.keys())
    assert_that(not extra, f"there are parameters that nobody asked for: {', '.join(extra)}")
    state = network.state_dict()

    def answer(state):
        network.load_state_dict(state)
        return network(sequences((2, 3), 1))

    for name in PARAMETERS:
        assert_responds(answer, state, state | {name: state[name] + 1}, what=f"output for another {name}")


@worth(2, hint="Negative hidden features become 0, the others stay as they are; after `dense2` nothing is cut off.")
@given(size=st.integers(1, 6), sign=st.sampled_from([1, -1]), seed=seeds())
def only_negative_hiddens_are_cut_off(student, size, sign, seed):
    """Where both layers are the identity, the network keeps positive features and sets negative ones to 0."""
    X = normal((2, 5, size), seed, dtype=DOUBLE, scale=5.0)
    network = build_identity(student, size, sign=sign)
    assert_close(network(X.clone()), sign * torch.where(X > 0, X, 0.0), what="output")


@worth(1, examples=10, hint="A ReLU neither bends nor saturates: twice as much goes in, twice as much comes out.")
@given(shape=sizes(2), factor=st.sampled_from([2.0, 0.25, 100.0]), seed=seeds())
def output_grows_with_the_input(student, shape, factor, seed):
    """Without biases, the output for a multiple of the input is the same multiple of the output."""
    network, X = build(student), sequences(shape, seed)
    state = network.state_dict()
    network.load_state_dict({name: torch.zeros_like(p) if "bias" in name else p for name, p in state.items()})
    assert_responds(lambda x: network(x.clone()), X, -X, what="output")
    once = assert_shape(network(X.clone()), (*shape, OUTPUTS), what="output")
    assert_close(network(factor * X), factor * once.detach(), what=f"output for {factor:g} times the input")


@worth(1, examples=10, hint="Which line of yours looks along the axis of the positions, or of the batch?")
@given(shape=sizes(2, low=2), outputs=st.sampled_from([OUTPUTS, INPUTS]), seed=seeds())
def other_positions_do_not_matter(student, shape, outputs, seed):
    """Changing one position changes the output at that position, and exactly nothing elsewhere."""
    network, X = build(student, outputs=outputs), sequences(shape, seed)
    before = assert_shape(network(X.clone()), (*shape, outputs), what="output")
    place = seed % shape[0], seed % shape[1]
    X[place] = 9 * normal((INPUTS,), seed + 1, dtype=DOUBLE)
    after = assert_shape(network(X), (*shape, outputs), what="output after the change")
    changed = (after != before).any(-1)  # (batch, positions)
    assert_that(bool(changed[place]), f"changing position {place[1]} of example {place[0]} does not change its output")
    changed[place] = False
    assert_that(not changed.any(), f"changing position {place[1]} of example {place[0]} changes other outputs", X=after)


@worth(1, examples=10, hint="One network for all: no position, and no example, has weights or sums of its own.")
@given(shape=sizes(2), outputs=st.sampled_from([OUTPUTS, INPUTS]), seed=seeds())
def every_position_could_stand_alone(student, shape, outputs, seed):
    """A position alone, as a sequence of length 1, gives what it gives among others."""
    network, X = build(student, outputs=outputs), sequences(shape, seed)
    together = assert_shape(network(X.clone()), (*shape, outputs), what="output").detach()
    assert_responds(lambda x: network(x.clone()), X, 2 * X + 1, what="output")
    for b in range(shape[0]):
        for i in range(shape[1]):
            alone = X[b : b + 1, i : i + 1].clone()
            assert_close(network(alone), together[b : b + 1, i : i + 1], what=f"output of position {i}, example {b}")


@worth(0.5, hint="No dropout in here, and nothing else that depends on the mode.")
def training_changes_nothing(student):
    """In training mode the output is that of evaluation mode, every time."""
    network, X = build(student), sequences((3, 5), 1)
    assert_responds(network.train(), X.clone(), -X, what="output in training mode")
    wanted = network.eval()(X.clone())
    assert_equal(network.train()(X.clone()), assert_shape(wanted, (3, 5, OUTPUTS)).detach(), what="output in training")


@worth(1, examples=1, hint="Gradients must pass through both layers: no detach, no .data, no numpy.")
@given(seed=seeds())
def gradients_are_derivatives(student, seed):
    """The gradient of the output with respect to the input is its derivative."""
    X = normal((2, 2, 3), seed, dtype=DOUBLE).requires_grad_()
    assert_gradcheck(student.PositionWiseFFN(3, 6, 2).double().eval(), X, what="output")


@worth(0.5, group="robust", examples=10, hint="A method that ends in _ changes its tensor: `relu_`, `copy_`, `add_`.")
@given(shape=sizes(2), outputs=st.sampled_from([INPUTS, OUTPUTS]), seed=seeds())
def input_is_left_alone(student, shape, outputs, seed):
    """The input is after the call what it was before, so that a second call agrees."""
    network, X = build(student, outputs=outputs), sequences(shape, seed)
    before = X.clone()
    assert_responds(network, X, X + 1, what="output")
    assert_unchanged(X, before, what="X")


@worth(0.5, group="robust", examples=4, hint="Convert nothing: the layers compute in the dtype that they have.")
@given(dtype=st.sampled_from([torch.float16, torch.bfloat16]), seed=seeds())
def half_precision_stays_half(student, dtype, seed):
    """In half precision the output is of the same dtype, finite, and nearly that of double precision."""
    X = sequences((2, 3), seed, dtype=dtype)
    wanted = assert_shape(build(student)(X.double()), (2, 3, OUTPUTS), what="output").detach()
    network = build(student, dtype=dtype)
    assert_responds(lambda x: network(x.clone()), X, -X, what="output")
    output = assert_finite(assert_dtype(network(X), dtype, what="output"), what="output")
    assert_close(output.double(), wanted, rtol=0.1, atol=0.3, what="output in half precision")


# The steps on the way, for a student who fails


@step("the parameters of dense1 and dense2")
def parameters_are_there(student):
    network = student.PositionWiseFFN(INPUTS, HIDDENS, OUTPUTS)
    found = {name: tuple(each.shape) for name, each in network.named_parameters()}
    assert_that(found == PARAMETERS, f"the parameters are {found}, wanted {PARAMETERS}")


@step("every position by itself")
def positions_do_not_mix(student):
    network, X = build(student), sequences((2, 3), 1)
    other = X.clone()
    other[0, 1] += 1.0
    before, after = (assert_shape(network(Z), (2, 3, OUTPUTS), what="output") for Z in (X, other))
    moved = ((after - before).abs() > 1e-6).any(-1)
    wanted = torch.tensor([[False, True, False], [False, False, False]])
    assert_equal(moved, wanted, what="which positions change with position 1 of example 0")


@step("the ReLU of what dense1 makes")
@given(seed=seeds())
def first_layer_is_rectified(student, seed):
    network, X = build(student, outputs=HIDDENS), sequences((2, 3), seed)
    copy = {"dense2.weight": torch.eye(HIDDENS, dtype=DOUBLE), "dense2.bias": torch.zeros(HIDDENS, dtype=DOUBLE)}
    state = network.state_dict() | copy  # so that the second layer shows the hidden features
    network.load_state_dict(state)
    hiddens = torch.einsum("bpi,hi->bph", X, state["dense1.weight"]) + state["dense1.bias"]
    assert_close(network(X), hiddens.clamp_min(0), what="output, when dense2 is the identity")


@step("the output of dense2")
@given(seed=seeds())
def second_layer_has_the_last_word(student, seed):
    network = student.PositionWiseFFN(INPUTS, HIDDENS, INPUTS).double().eval()
    state = amplify(network.state_dict(), 1)
    network.load_state_dict(state)
    X = sequences((2, 3), seed)
    hiddens = (torch.einsum("bpi,hi->bph", X, state["dense1.weight"]) + state["dense1.bias"]).clamp_min(0)
    wanted = torch.einsum("bph,oh->bpo", hiddens, state["dense2.weight"]) + state["dense2.bias"]
    assert_close(network(X), wanted, what="output")
