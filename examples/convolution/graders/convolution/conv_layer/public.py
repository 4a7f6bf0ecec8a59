"""What anyone can check about a convolutional layer, without a solution at hand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    assert_close,
    assert_equal,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, normal, seeds, sizes, tensors

HINTS = (
    (
        "What a module learns is kept in `nn.Parameter`s, which the constructor makes and the forward pass only uses. "
        "Which two are asked for, and of which shapes?"
    ),
    (
        "corr2d takes one image and X is a batch of them. What does a loop over a tensor give you, and how do its "
        "answers become one tensor again?"
    ),
)


@dataclass(frozen=True)
class Case(Inputs):
    """Images `(batch, height, width)`, a kernel `(rows, columns)` that fits on them, and a bias `(1,)`."""

    images: Tensor
    weight: Tensor
    bias: Tensor

    @property
    def wanted(self) -> Tensor:
        """What torch's own convolution says."""
        return torch.nn.functional.conv2d(self.images[:, None], self.weight[None, None], self.bias)[:, 0]


@st.composite
def cases(draw, *, low=1):
    """Small images of which no two sizes are equal."""
    batch, rows, columns, down, right = draw(sizes(5, low=low, high=6))
    images = draw(tensors((batch, rows + down, columns + right)))
    return Case(images, draw(tensors((rows, columns))), draw(tensors((1,))))


def layer_with(student, weight, bias):
    """A layer of the student's with this kernel and this bias."""
    layer = student.Conv2D(tuple(weight.shape))
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


@worth(1, gate=True, examples=10, hint="Return one answer of `corr2d` for each image of the batch, as one tensor.")
@given(shape=sizes(5, low=2, high=6), seed=seeds())
def every_image_gets_an_answer(student, shape, seed):
    """The output has a number for each place in each image, and depends on the images."""
    batch, rows, columns, down, right = shape
    layer, X = student.Conv2D((rows, columns)), normal((batch, rows + down, columns + right), seed)
    output = assert_shape(layer(X.clone()), (batch, down + 1, right + 1), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(lambda X: layer(X.clone()), X, normal(tuple(X.shape), seed + 1), what="output")


@worth(1, hint="`nn.Parameter` makes a tensor one that is learnt; the layer has two, under the names of the text.")
def kernel_and_bias_are_learnt(student):
    """The parameters are `weight` of the kernel's shape and `bias` of shape (1,), and each of them matters."""
    layer = student.Conv2D((2, 3))
    found = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    wanted = {"weight": (2, 3), "bias": (1,)}
    assert_that(found == wanted, f"the parameters are {found}, wanted {wanted}")
    state = layer.state_dict()

    def answer(state):
        layer.load_state_dict(state)
        return layer(normal((2, 4, 5), 1))

    for name in wanted:
        assert_responds(answer, state, state | {name: state[name] + 1}, what=f"output for another {name}")


@worth(1, hint="Which of the two should be random, and what would two equal kernels learn?")
def layers_begin_differently(student):
    """Two new layers have different kernels, without a number twice in them, and a bias of 0."""
    one, two = (student.Conv2D((3, 2)).state_dict() for _ in range(2))
    assert_that(one["weight"].unique().numel() == 6, "numbers of the new kernel are equal", weight=one["weight"])
    assert_that(not torch.equal(one["weight"], two["weight"]), "two new layers are equal", weight=one["weight"])
    assert_zero(one["bias"], what="bias of a new layer")


@worth(1, hint="Set `layer.weight` and `layer.bias` by hand, and print what is added up for the first number.")
def edges_are_found(student):
    """The example of the text comes out, with both biases."""
    image = torch.tensor([[[1.0, 1.0, 0.0, 0.0, 1.0]]])
    for bias, wanted in ((0.0, [0.0, 1.0, 0.0, -1.0]), (10.0, [10.0, 11.0, 10.0, 9.0])):
        layer = layer_with(student, torch.tensor([[1.0, -1.0]]), torch.tensor([bias]))
        assert_close(layer(image.clone()), torch.tensor([[wanted]]), what="output")


@worth(2, hint="`corr2d` of the image and the weight, and then the bias once: is there anything before or after it?")
@given(case=cases())
def agrees_with_pytorch(student, case):
    """With the same kernel and bias the output is that of PyTorch's own convolution."""
    layer = layer_with(student, case.weight, case.bias)
    assert_close(layer(case.images.clone()), case.wanted, rtol=1e-4, atol=1e-4, what="output")


@worth(1, examples=20, hint="One image at a time: which line of yours sees two of them?")
@given(case=cases(low=2))
def images_do_not_mix(student, case):
    """Each image alone gives what it gives in the batch."""
    layer = layer_with(student, case.weight, case.bias)
    together = assert_shape(layer(case.images.clone()), tuple(case.wanted.shape), what="output").detach()
    for i in range(len(case.images)):
        alone = layer(case.images[i : i + 1].clone())
        assert_close(alone, together[i : i + 1], rtol=1e-4, atol=1e-4, what=f"output of image {i} alone")


@worth(1, examples=20, hint="A bias is added to every number of the answer, so it gets the sum of their gradients.")
@given(case=cases(low=2))
def kernel_and_bias_get_their_gradients(student, case):
    """Weight and bias get the gradients that they get in PyTorch's own convolution."""
    names = ("weight", "bias")
    own = Case(case.images, *(tensor.clone().requires_grad_() for tensor in (case.weight, case.bias)))
    wanted = gradients(own.wanted, [own.weight, own.bias])
    layer = layer_with(student, case.weight, case.bias)
    parameters = dict(layer.named_parameters())
    output = assert_shape(layer(case.images.clone()), tuple(case.wanted.shape), what="output")
    found = gradients(output, [parameters[name] for name in names], what="output")
    for name, got, right in zip(names, found, wanted, strict=True):
        assert_close(got, right, rtol=1e-4, atol=1e-4, what=f"gradient of {name}")


@worth(1, group="robust", examples=10, hint="Which line of yours writes into X, or into a part of it?")
@given(case=cases())
def images_are_left_alone(student, case):
    """The images are after the call what they were before, and a second call agrees with the first."""
    layer, X = layer_with(student, case.weight, case.bias), case.images.clone()
    first = assert_shape(layer(X), tuple(case.wanted.shape), what="output")
    assert_unchanged(X, case.images, what="X")
    assert_equal(layer(X), first.detach(), what="output, second time")


# The steps on the way, for a student who fails


@step("the parameters weight and bias")
def parameters_are_there(student):
    found = {name: tuple(parameter.shape) for name, parameter in student.Conv2D((2, 3)).named_parameters()}
    assert_that(found == {"weight": (2, 3), "bias": (1,)}, f"the parameters are {found}")


@step("the kernel on one image")
@given(case=cases())
def one_image_is_done(student, case):
    alone = Case(case.images[:1], case.weight, torch.zeros(1))
    output = layer_with(student, alone.weight, alone.bias)(alone.images.clone())
    assert_close(output, alone.wanted, rtol=1e-4, atol=1e-4, what="output for one image, without a bias")


@step("the bias of one image")
@given(case=cases())
def bias_is_added(student, case):
    alone = Case(case.images[:1], case.weight, case.bias)
    output = layer_with(student, alone.weight, alone.bias)(alone.images.clone())
    assert_close(output, alone.wanted, rtol=1e-4, atol=1e-4, what="output for one image")


@step("every image of a batch by itself")
@given(case=cases(low=2))
def batch_is_done(student, case):
    output = layer_with(student, case.weight, case.bias)(case.images.clone())
    assert_close(output, case.wanted, rtol=1e-4, atol=1e-4, what="output")
