"""What anyone can check about cross-correlation, without a solution at hand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_gradcheck,
    assert_not_copied,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_unchanged,
)
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, normal, seeds, sizes, tensors

HINTS = (
    (
        "How many places are there for a kernel of 2 rows on an image of 5? Draw it, count, and write the shape of the "
        "answer down before anything else."
    ),
    (
        "Which part of X lies under the kernel when its upper left corner is at [i, j]? It has exactly the shape of K, "
        "so their product needs no loop."
    ),
    (
        "Two loops over the places will do. If you fill a tensor in them, make it with the dtype of X, and put sums "
        "into it that are still tensors."
    ),
)


@dataclass(frozen=True)
class Case(Inputs):
    """An image `(height, width)` and a kernel `(rows, columns)` that fits on it."""

    image: Tensor
    kernel: Tensor

    @property
    def places(self) -> tuple[int, int]:
        """The shape of the answer."""
        return self.image.shape[0] - self.kernel.shape[0] + 1, self.image.shape[1] - self.kernel.shape[1] + 1


@st.composite
def cases(draw, *, low=1, dtype=torch.float32):
    """Images and kernels of which no two sizes are equal, nor any two sizes of the answer."""
    rows, columns, more_down, more_right = draw(sizes(4, low=low, high=5))
    image = draw(tensors((rows + more_down, columns + more_right), dtype=dtype))
    return Case(image, draw(tensors((rows, columns), dtype=dtype)))


def window(case, i, j):
    """What lies under the kernel when its upper left corner is at `[i, j]`."""
    return case.image[i : i + case.kernel.shape[0], j : j + case.kernel.shape[1]]


@worth(1, gate=True, examples=20, hint="A kernel of 2 rows has one place less on an image than the image has rows.")
@given(shape=sizes(4, low=2, high=5), seed=seeds())
def every_place_gets_a_number(student, shape, seed):
    """There is one number for each place of the kernel, and it depends on the image."""
    rows, columns, down, right = shape
    image, kernel = normal((rows + down, columns + right), seed), normal((rows, columns), seed + 1)
    answer = assert_shape(student.corr2d(image.clone(), kernel.clone()), (down + 1, right + 1))
    assert_not_copied(answer, image)
    assert_responds(lambda X: student.corr2d(X.clone(), kernel.clone()), image, normal(tuple(image.shape), seed + 2))


@worth(1, hint="Do the first window of the example by hand, then let your code print the products that it adds.")
def example_comes_out(student):
    """The example of the text comes out."""
    image, kernel = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)
    assert_close(student.corr2d(image, kernel), torch.tensor([[19.0, 25.0], [37.0, 43.0]]))


@worth(
    2, hint="Which entry of the image is multiplied by the entry [r, c] of the kernel, when its corner is at [i, j]?"
)
@given(case=cases(), place=st.integers(0, 24))
def kernel_with_a_single_one_moves_the_image(student, case, place):
    """A kernel of zeros with a single 1 copies the part of the image on which the 1 comes to lie."""
    r, c = divmod(place % case.kernel.numel(), case.kernel.shape[1])
    kernel = torch.zeros_like(case.kernel)
    kernel[r, c] = 1.0
    down, right = case.places
    assert_close(student.corr2d(case.image.clone(), kernel), case.image[r : r + down, c : c + right])


@worth(2, hint="Add the products under the kernel: all of them, as they are, and nothing else.")
@given(case=cases())
def every_number_is_the_sum_of_a_window(student, case):
    """With a kernel of ones each number is the sum of its window, and with a kernel of minus twos -2 times that."""
    down, right = case.places
    sums = torch.stack([window(case, i, j).sum() for i in range(down) for j in range(right)]).reshape(down, right)
    ones = torch.ones_like(case.kernel)
    assert_close(student.corr2d(case.image.clone(), ones.clone()), sums)
    assert_close(student.corr2d(case.image.clone(), -2 * ones), -2 * sums)


@worth(1, examples=20, hint="The window moves by one place at a time. Does your code treat any place differently?")
@given(case=cases(low=2))
def answer_moves_with_the_image(student, case):
    """Where the image is moved by one place, its answer is moved by one place."""
    down, right = case.places
    answer = assert_shape(student.corr2d(case.image.clone(), case.kernel.clone()), (down, right))
    moved = student.corr2d(case.image[1:, 1:].clone(), case.kernel)
    assert_equal(moved, answer[1:, 1:].detach(), what="the result for the image without its first row and column")


@worth(1, hint="Only tensor operations keep the graph: no `.item()`, `.detach()`, `.data` or numpy.")
def gradients_are_derivatives(student):
    """The gradients with respect to the image and the kernel are the derivatives."""
    image, kernel = normal((4, 5), 1, dtype=torch.float64), normal((2, 3), 2, dtype=torch.float64)
    inputs = image.requires_grad_(), kernel.requires_grad_()
    assert_gradcheck(lambda X, K: student.corr2d(X.clone(), K.clone()), *inputs)


@worth(1, hint="What you make yourself, such as a tensor of zeros, takes its dtype from X.")
def dtype_is_kept(student):
    """In double, single and half precision the answer has the dtype of the image, and its numbers are right."""
    image, kernel = torch.arange(12.0).reshape(3, 4), torch.tensor([[1.0, -2.0, 3.0]])
    wanted = torch.tensor([[4.0, 6.0], [12.0, 14.0], [20.0, 22.0]])
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        answer = assert_dtype(student.corr2d(image.to(dtype, copy=True), kernel.to(dtype, copy=True)), dtype)
        assert_close(answer, wanted.to(dtype))


@worth(1, group="robust", examples=20, hint="Compare the sizes of the kernel with those of the image before you begin.")
@given(case=cases(), turned=st.booleans())
def kernel_that_fits_nowhere_is_refused(student, case, turned):
    """A kernel that is higher or wider than the image raises a ValueError."""
    image = case.image[: case.kernel.shape[0], : case.kernel.shape[1]].clone()
    too_large = torch.ones(image.shape[0] + (not turned), image.shape[1] + turned)
    assert_raises("ValueError", student.corr2d, image, too_large, what="a kernel that fits nowhere")


@worth(1, group="robust", examples=20, hint="Look for `+=`, `*=` and methods that end in `_`: on what do they act?")
@given(case=cases())
def arguments_are_left_alone(student, case):
    """Image and kernel are after the call what they were before, and a second call agrees with the first."""
    image, kernel = case.image.clone(), case.kernel.clone()
    first = assert_shape(student.corr2d(image, kernel), case.places)
    assert_unchanged(image, case.image, what="X")
    assert_unchanged(kernel, case.kernel, what="K")
    assert_equal(student.corr2d(image, kernel), first.detach(), what="the result, second time")


# The steps on the way, for a student who fails


@step("the products of one window, summed")
@given(case=cases())
def one_window_is_summed(student, case):
    corner = window(case, 0, 0)
    answer = student.corr2d(corner.clone(), case.kernel.clone())
    assert_close(answer, (corner * case.kernel).sum().reshape(1, 1))


@step("the window at each place")
@given(case=cases())
def every_window_is_summed(student, case):
    down, right = case.places
    sums = [(window(case, i, j) * case.kernel).sum() for i in range(down) for j in range(right)]
    assert_close(student.corr2d(case.image.clone(), case.kernel.clone()), torch.stack(sums).reshape(down, right))
