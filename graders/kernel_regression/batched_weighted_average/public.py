"""What anyone can check about weighted averages."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_gradcheck,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.costs import measure
from headcheck.errors import StudentRaised
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, normal, sizes, tensors

HINTS = (
    (
        "Take one example of the batch and write its average as a matrix product. What are the shapes of the two "
        "matrices, and of the result?"
    ),
    (
        "Give the weights an axis of length 1 where their row should be, and the values one at the end if they are "
        "numbers. Then torch.bmm does the whole batch."
    ),
    (
        "Afterwards remove only the axes that you added, by their numbers: a batch of one and a vector of one number "
        "must keep theirs."
    ),
)

MATRIX_PRODUCTS = {"addbmm", "addmm", "addmv", "baddbmm", "bmm", "dot", "linear", "mm", "mv", "vdot"}


@dataclass(frozen=True)
class Batch(Inputs):
    """Weights `(batch, n)` of any sum and sign, values `(batch, n)` or `(batch, n, v)`."""

    weights: Tensor
    values: Tensor

    @property
    def shape(self):
        """The shape of the averages."""
        return (len(self.weights), *self.values.shape[2:])


@st.composite
def batches(draw, *, vectors=(False, True), low=1):
    """All sizes different, or all the same."""
    size = max(2, low)
    batch, n, v = draw(st.one_of(sizes(3, low=low), st.integers(size, 4).map(lambda same: (same, same, same))))
    shape = (batch, n, v) if draw(st.sampled_from(vectors)) else (batch, n)
    return Batch(draw(tensors((batch, n))), draw(tensors(shape)))


def _average(student, case):
    found = student.weighted_average(case.weights.clone(), case.values.clone())
    return assert_shape(found, case.shape, what="the averages")


def _wanted(case):
    return torch.einsum("bn,bn...->b...", case.weights, case.values)


def _numbers_or_vectors(student, weights, values):
    """The averages of vectors, or of their first numbers if the submission cannot take vectors."""
    try:
        return student.weighted_average(weights.clone(), values.clone())
    except StudentRaised:
        return student.weighted_average(weights.clone(), values[..., 0].clone())


@worth(1, gate=True, hint="Start with one example: a row (1, n) times a column (n, 1). What does a batch of them need?")
def answers_every_example(student):
    """There is an answer for every example, and it depends on the values."""
    weights, first, second = normal((4, 3), 0), normal((4, 3, 2), 1), normal((4, 3, 2), 2)
    found = _numbers_or_vectors(student, weights, first)
    assert_that(
        isinstance(found, Tensor) and found.ndim > 0 and len(found) == len(weights),
        "the result is not a tensor with one entry or row for each example", result=found,
    )  # fmt: skip
    assert_responds(lambda values: _numbers_or_vectors(student, weights, values), first, second)


@worth(2, hint="Write the indices down: which one do weights and values share, and which one is summed away?")
@given(case=batches(vectors=(True,)))
def averages_vectors(student, case):
    """Values of shape (batch, n, v) give the sum over n of weight times value, (batch, v)."""
    wanted = (case.weights.double().unsqueeze(-1) * case.values.double()).sum(1).float()
    assert_close(_average(student, case), wanted, what="the averages")


@worth(2, hint="A column of numbers is a vector of size 1: which axis is missing, and must not be left over?")
@given(case=batches(vectors=(False,)))
def averages_numbers(student, case):
    """Values of shape (batch, n) give one number for each example, (batch,)."""
    wanted = (case.weights.double() * case.values.double()).sum(1).float()
    assert_close(_average(student, case), wanted, what="the averages")


@worth(1, hint="squeeze() takes every axis of length 1, also those you want to keep. Tell it which one.")
def sizes_of_one_keep_their_axis(student):
    """Where batch, n or v is 1, the result has its axis all the same."""
    for batch, n, v in ((1, 3, 4), (4, 1, 3), (4, 3, 1), (1, 3, 1), (1, 1, 4), (1, 1, 1)):
        for shape in ((batch, n, v), (batch, n)):
            case = Batch(normal((batch, n), 1), normal(shape, 2))
            assert_close(_average(student, case), _wanted(case), what=f"the averages for values of shape {shape}")


@worth(0.5, hint="Weights of 1/n each: what is this average called?", examples=20)
@given(case=batches())
def equal_weights_give_the_mean(student, case):
    """With weights of 1/n the result is the mean of the values."""
    weights = torch.full_like(case.weights, 1 / case.weights.shape[1])
    assert_close(_average(student, Batch(weights, case.values)), case.values.mean(1), what="the averages")


@worth(0.5, hint="All the weight on one value: nothing of the others may be left.", examples=20)
@given(case=batches())
def all_weight_on_one_value_selects_it(student, case):
    """With a weight of 1 on one value and 0 on the others, the result is that value, exactly."""
    batch, n = case.weights.shape
    chosen = torch.arange(batch) % n
    weights = nn.functional.one_hot(chosen, n).float()
    assert_equal(_average(student, Batch(weights, case.values)), case.values[range(batch), chosen], what="the averages")


@worth(
    1, hint="Use the weights as they are: do not normalise them, and do not divide by how many there are.", examples=20
)
@given(case=batches())
def weights_are_used_as_they_are(student, case):
    """Weights twice as large give averages twice as large, and weights of 0 give 0."""
    single = _average(student, case)
    assert_close(_average(student, Batch(2 * case.weights, case.values)), 2 * single, what="the averages")
    nothing = _average(student, Batch(torch.zeros_like(case.weights), case.values))
    assert_equal(nothing, torch.zeros(case.shape), what="the averages under weights of 0")


@worth(0.5, hint="Multiply and sum, nothing else: what bends the values?", examples=20)
@given(case=batches())
def sums_of_values_give_sums_of_averages(student, case):
    """The average of x - 3y is the average of x minus three times that of y."""
    other = normal(case.values.shape, 3)
    wanted = _average(student, case) - 3 * _average(student, Batch(case.weights, other))
    found = _average(student, Batch(case.weights, case.values - 3 * other))
    assert_close(found, wanted, rtol=1e-4, atol=1e-4, what="the averages")


@worth(
    0.5, hint="A weight belongs to the value at the same place. Do you reshape where you should transpose?", examples=20
)
@given(case=batches(low=2))
def order_of_pairs_does_not_matter(student, case):
    """Rotating weights and values together changes nothing, but rotating the weights alone does."""
    found = _average(student, case)
    rotated = _average(student, Batch(case.weights.roll(1, 1), case.values.roll(1, 1)))
    assert_close(rotated, found, what="the averages", rtol=1e-4, atol=1e-4)
    weights = torch.arange(case.weights.numel()).reshape(case.weights.shape).float()
    values = normal(case.values.shape, 4)
    apart = _average(student, Batch(weights.roll(1, 1), values))
    assert_that(
        not torch.equal(apart, _average(student, Batch(weights, values))),
        "it does not matter which weight meets which value",
    )


@worth(1, hint="Nothing is summed or shared along the batch.", examples=20)
@given(case=batches(low=2))
def examples_do_not_mix(student, case):
    """Each example alone gets what it gets in the batch."""
    found = _average(student, case)
    for i in range(len(case.weights)):
        alone = _average(student, Batch(case.weights[i : i + 1], case.values[i : i + 1]))
        assert_close(alone, found[i : i + 1], what=f"the average of example {i} alone", rtol=1e-4, atol=1e-4)


@worth(1, hint="Everything between the inputs and the result has to be a torch operation that stays in the graph.")
def gradients_reach_weights_and_values(student):
    """The gradients with respect to weights and values are the derivatives of the result."""
    for shape in ((2, 3), (2, 3, 4)):
        weights, values = normal((2, 3), 5, dtype=torch.float64), normal(shape, 6, dtype=torch.float64)
        inputs = weights.requires_grad_(), values.requires_grad_()
        assert_gradcheck(student.weighted_average, *inputs, what=f"the averages for values of shape {shape}")


@worth(1.5, hint="A stack of matrix products is one call. Which function takes the batch as its first axis?")
def batch_is_one_product(student):
    """However many examples there are, one matrix product (or none) and a handful of operations do it."""
    for shape in ((), (4,)):
        few, many = (Batch(normal((b, 5), 7), normal((b, 5, *shape), 8)) for b in (3, 96))
        wanted = _wanted(many)
        costs = [measure(student.weighted_average, case.weights, case.values) for case in (few, many)]
        assert_close(costs[1].result, wanted, rtol=1e-4, atol=1e-4, what="the averages")
        products = [name for name in costs[1].operations if name.split(".")[1] in MATRIX_PRODUCTS]
        assert_that(len(products) <= 1, f"96 examples take {len(products)} matrix products, wanted one", got=products)
        counts = [len(cost.operations) for cost in costs]
        assert_that(
            counts[1] <= counts[0] + 5,
            f"3 examples take {counts[0]} operations and 96 take {counts[1]}; wanted as many",
        )
        assert_that(
            costs[1].largest <= 2 * many.values.numel(),
            f"you make a tensor of {costs[1].largest} numbers from {many.values.numel()} values",
        )


@worth(0.5, hint="Does the time go into arithmetic, or into Python, or into pairs of examples that nobody asked for?")
def many_examples_cost_no_more_than_many_values(student):
    """A batch of 5000 examples of 8 values takes about as long as one of 8 examples of 5000 values.

    The limit is ten times as long and 0.02 s. Measured in CPU seconds: right ones take 0.001 to 0.004 both ways, all
    pairs of examples 0.09 and a loop 0.6 for the 5000 examples.
    """
    wide, tall = (Batch(normal(shape, 9), normal(shape, 10)) for shape in ((8, 5000), (5000, 8)))
    seconds = [
        min(measure(student.weighted_average, c.weights, c.values).cpu_seconds for _ in range(4)) for c in (wide, tall)
    ]
    assert_close(_average(student, tall), _wanted(tall), rtol=1e-4, atol=1e-4, what="the averages")
    assert_that(
        seconds[1] <= 10 * seconds[0] + 0.02,
        f"8 examples of 5000 values take {seconds[0]:.4f} s, and 5000 examples of 8 values {seconds[1]:.4f} s",
    )


@worth(0.5, hint="What you create yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """The result has the dtype of the inputs, float64 to float16, and half precision is right to two digits."""
    weights, values = normal((3, 4), 11).softmax(1), normal((3, 4, 2), 12)
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        case = Batch(weights.to(dtype), values.to(dtype))
        found = assert_dtype(_average(student, case), dtype, what="the averages")
        wanted = torch.einsum("bn,bnv->bv", weights, values)
        assert_close(found, wanted, rtol=0.0, atol=0.03, what=f"the averages in {dtype}", dtype=False)


@worth(0.5, group="robust", hint="Look for *= and /=, and for functions whose name ends in an underscore.", examples=20)
@given(case=batches())
def arguments_are_left_alone(student, case):
    """Weights and values are the same after the call, and a second call agrees with the first."""
    weights, values = case.weights.clone(), case.values.clone()
    first = student.weighted_average(case.weights, case.values)
    assert_unchanged(case.weights, weights, what="weights")
    assert_unchanged(case.values, values, what="values")
    assert_equal(_average(student, case), first, what="the averages, second time")


@worth(0.5, group="robust", hint="view needs neighbours in memory; reshape copies when it must.", examples=20)
@given(case=batches())
def memory_layout_does_not_matter(student, case):
    """Tensors that lie transposed in memory give the same averages."""
    transposed = Batch(_laid_out_backwards(case.weights), _laid_out_backwards(case.values))
    assert_close(_average(student, transposed), _wanted(case), rtol=1e-4, atol=1e-4, what="the averages")


def _laid_out_backwards(tensor):
    axes = list(reversed(range(tensor.ndim)))
    return tensor.permute(axes).contiguous().permute(axes)


# The steps on the way, for a student who fails


@step("the weighted sum of one example's numbers")
@given(weights=tensors((1, 3)), values=tensors((1, 3)))
def one_example_is_averaged(student, weights, values):
    _assert_averages(student, Batch(weights, values))


@step("a batch of examples")
@given(case=batches(vectors=(False,)))
def examples_are_averaged(student, case):
    _assert_averages(student, case)


@step("values of several numbers")
@given(case=batches(vectors=(True,)))
def vectors_are_averaged(student, case):
    _assert_averages(student, case)


def _assert_averages(student, case):
    assert_close(_average(student, case), _wanted(case), what="the averages")
