"""What anyone can check about heads that become examples."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    assert_dtype,
    assert_equal,
    assert_not_copied,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import generators, normal, sizes

HINTS = (
    (
        "No number changes, only its place. Write the shape down with all four axes at once: batch, positions, heads, "
        "and the features of one head."
    ),
    (
        "Split the last axis into heads and features. The heads then stand behind the positions and should stand "
        "beside the batch: which two axes change places, before any are merged?"
    ),
    (
        "The way back is the same steps in the opposite order. Use reshape, flatten or unflatten rather than view: "
        "after a transposition the numbers are no neighbours in memory."
    ),
)

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
MEMORY_ORDERS = list(permutations(range(3)))


@dataclass(frozen=True)
class Heads:
    """Features `(batch, positions, heads * size)`, and the same as rows `(batch * heads, positions, size)`."""

    features: Tensor
    rows: Tensor
    num_heads: int


@st.composite
def heads(draw, *, low=1, dtype=torch.float32):
    """Numbered features, every number another one, and the rows that they become slice by slice."""
    batch, positions, num_heads, size = draw(sizes(4, low=low, high=5))
    features = torch.arange(batch * positions * num_heads * size).reshape(batch, positions, -1).to(dtype)
    rows = [features[b, :, i * size : (i + 1) * size] for b in range(batch) for i in range(num_heads)]
    return Heads(features, torch.stack(rows), num_heads)


def laid_out(X, order):
    """The same tensor, but with its axes in another order in memory."""
    inverse = sorted(range(X.dim()), key=lambda axis: order[axis])
    return X.permute(order).clone(memory_format=torch.contiguous_format).permute(inverse)


@worth(1, gate=True, examples=20, hint="transpose_qkv returns (batch * heads, positions, head_size), made from X.")
@given(case=heads(low=2))
def features_become_rows(student, case):
    """Features go into transpose_qkv, and rows of the right shape, which depend on them, come out."""
    rows = student.transpose_qkv(case.features, case.num_heads)
    assert_shape(rows, tuple(case.rows.shape), what="rows")
    assert_not_copied(rows, case.features, what="rows")
    assert_responds(
        lambda X: student.transpose_qkv(X.clone(), 2), normal((3, 5, 8), 0), normal((3, 5, 8), 1), what="rows"
    )


@worth(3, hint="Split the last axis in two, move the axis of heads beside the batch, and only then merge the two.")
@given(case=heads())
def each_head_gets_its_slice_of_the_features(student, case):
    """Head i of example b is row b * num_heads + i, and holds the i-th slice of the features of every position."""
    assert_equal(student.transpose_qkv(case.features, case.num_heads), case.rows, what="rows")


@worth(
    2, hint="Go the way of transpose_qkv backwards: unmerge the rows, move the axis of heads back, and merge it there."
)
@given(case=heads())
def features_of_the_heads_lie_side_by_side_again(student, case):
    """transpose_output puts the heads of an example side by side, in order."""
    assert_equal(student.transpose_output(case.rows, case.num_heads), case.features, what="features")


@worth(1, examples=30, hint="If one function is right, the other has to undo its steps in the opposite order.")
@given(case=heads())
def there_and_back_is_where_it_began(student, case):
    """transpose_output undoes transpose_qkv."""
    rows = student.transpose_qkv(case.features.clone(), case.num_heads)
    assert_equal(student.transpose_output(rows, case.num_heads), case.features, what="features")


@worth(1, examples=30, hint="If one function is right, the other has to undo its steps in the opposite order.")
@given(case=heads())
def back_and_there_is_where_it_began(student, case):
    """transpose_qkv undoes transpose_output."""
    features = student.transpose_output(case.rows.clone(), case.num_heads)
    assert_equal(student.transpose_qkv(features, case.num_heads), case.rows, what="rows")


@worth(1, examples=20, hint="With a single head there is nothing to split: batch and positions stay where they are.")
@given(case=heads())
def one_head_changes_nothing(student, case):
    """With one head both functions return what they were given."""
    assert_equal(student.transpose_qkv(case.features.clone(), 1), case.features, what="rows")
    assert_equal(student.transpose_output(case.rows.clone(), 1), case.rows, what="features")


@worth(
    1, examples=30, hint="Tensor.view and as_strided ask how a tensor lies in memory; Tensor.reshape copies if it must."
)
@given(case=heads(low=2), order=st.sampled_from(MEMORY_ORDERS))
def order_in_memory_does_not_matter(student, case, order):
    """Both functions accept tensors that are not contiguous, as they are after a transpose."""
    features, rows = laid_out(case.features, order), laid_out(case.rows, order)
    assert_equal(student.transpose_qkv(features, case.num_heads), case.rows, what="rows")
    assert_equal(student.transpose_output(rows, case.num_heads), case.features, what="features")


@worth(
    1, examples=20, hint="Nothing is computed here, so neither .to, nor .float(), nor a factor has any business here."
)
@given(case=heads(), dtype=st.sampled_from(DTYPES), generator=generators())
def numbers_are_moved_and_not_changed(student, case, dtype, generator):
    """Whatever the numbers and their dtype, they are the same afterwards, and go where any other numbers go."""
    X = (10 ** torch.randn(case.features.shape, generator=generator)).to(dtype)
    moved = student.transpose_qkv(X.clone(), case.num_heads)
    assert_shape(assert_dtype(moved, dtype, what="rows"), tuple(case.rows.shape), what="rows")
    assert_equal(moved.flatten().sort().values, X.flatten().sort().values, what="sorted rows")
    assert_equal(moved, X.flatten()[case.rows.long()], what="rows")
    assert_equal(student.transpose_output(moved.detach(), case.num_heads), X, what="features")


@worth(1, examples=20, hint="Tensor operations only: .detach(), .data and .numpy() leave the graph.")
@given(case=heads(dtype=torch.float64), generator=generators())
def gradient_goes_there_and_back_too(student, case, generator):
    """The gradient of the way there and back is the identity."""
    X = case.features.requires_grad_()
    cotangent = torch.randn(X.shape, generator=generator, dtype=X.dtype)
    rows = assert_shape(student.transpose_qkv(X, case.num_heads), tuple(case.rows.shape), what="rows")
    assert_that(rows.requires_grad, "the rows were detached, or made from plain numbers")
    features = student.transpose_output(rows, case.num_heads)
    assert_shape(features, tuple(X.shape), what="features")
    (gradient,) = gradients(features * cotangent, [X], what="the way there and back")
    assert_equal(gradient, cotangent, what="gradient of X")


@worth(1, group="robust", examples=20, hint="Compare num_hiddens % num_heads with 0 before you split anything.")
@given(case=heads(low=2))
def uneven_features_are_refused(student, case):
    """Features that the number of heads does not divide raise a ValueError."""
    uneven = case.features[..., :-1].contiguous()
    what = "a width that the heads do not divide"
    assert_raises("ValueError", student.transpose_qkv, uneven, case.num_heads, what=what)


@worth(0.5, group="robust", examples=20, hint="A number of rows that num_heads does not divide is no batch of heads.")
@given(case=heads(low=2))
def uneven_rows_are_refused(student, case):
    """Rows that the number of heads does not divide raise a ValueError."""
    uneven = case.rows[:-1].contiguous()
    what = "a number of rows that the heads do not divide"
    assert_raises("ValueError", student.transpose_output, uneven, case.num_heads, what=what)


@worth(1, group="robust", examples=20, hint="Return a new tensor or a view; do not write into the one you were given.")
@given(case=heads())
def arguments_stay_as_they_are(student, case):
    """Neither function changes its argument, and both are right."""
    features, rows = case.features.clone(), case.rows.clone()
    assert_equal(student.transpose_qkv(features, case.num_heads), case.rows, what="rows")
    assert_unchanged(features, case.features, what="X")
    assert_equal(student.transpose_output(rows, case.num_heads), case.features, what="features")
    assert_unchanged(rows, case.rows, what="X")


# The steps on the way, for a student who fails


def _numbered(batch):
    """Features of 3 positions and 2 heads of size 4, every number another one, and their rows, head by head."""
    features = torch.arange(24.0 * batch).reshape(batch, 3, 8)
    return Heads(features, torch.stack([half for X in features for half in (X[:, :4], X[:, 4:])]), 2)


@step("the split of one example into heads")
def one_example_is_split(student):
    case = _numbered(1)
    assert_equal(student.transpose_qkv(case.features, 2), case.rows, what="rows")


@step("the split of a batch, example by example")
@given(case=heads())
def batch_is_split(student, case):
    assert_equal(student.transpose_qkv(case.features, case.num_heads), case.rows, what="rows")


@step("the merge of one example's heads")
def one_example_is_merged(student):
    case = _numbered(1)
    assert_equal(student.transpose_output(case.rows, 2), case.features, what="features")


@step("the merge of a batch, example by example")
@given(case=heads())
def batch_is_merged(student, case):
    assert_equal(student.transpose_output(case.rows, case.num_heads), case.features, what="features")
