"""What anyone can check of a leave-one-out error, and of the bandwidth that it chooses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import assert_number, assert_responds, assert_that, assert_unchanged
from headcheck.properties import worth
from headcheck.strategies import normal, seeds

HINTS = (
    (
        "A sample must not help to predict itself, and the others must still share a whole weight of 1. Is it before "
        "or after the softmax that it has to disappear?"
    ),
    (
        "In the table of scores, (n, n), the entries to hide are those where a sample meets itself. Which score gets "
        "a weight of exactly 0, however far away all others are?"
    ),
    (
        "Selecting is a loop over the grid that keeps the bandwidth with the smallest error. Decide with care what "
        "happens when two are equal: the task says which is wanted."
    ),
)

GRID = 0.3, 3.0, 0.1, 1.0, 0.03
WIDTHS = st.sampled_from([0.1, 0.3, 1.0, 3.0])


@dataclass(frozen=True)
class Samples:
    """`x` and `y`, both `(n,)`, in no order, some `x` perhaps twice."""

    x: Tensor
    y: Tensor


def grid_of(widths=GRID):
    """A grid in float64."""
    return torch.tensor(widths, dtype=torch.float64)


def samples(n, seed, *, repeated=False):
    """Normal numbers in float64; `repeated`: the second half of the `x` are those of the first half again."""
    x, y = normal((n,), seed, dtype=torch.float64), normal((n,), seed + 1, dtype=torch.float64, scale=2.0)
    return Samples(x[torch.arange(n) % ((n + 1) // 2)] if repeated else x, y)


def cases(*, low=2, high=8):
    """Samples from `low` to `high`."""
    return st.builds(
        lambda n, seed, again: samples(n, seed, repeated=again), st.integers(low, high), seeds(), st.booleans()
    )


def brute_force(case, bandwidth):
    """The leave-one-out error, one sample after the other, as the definition has it."""
    errors = []
    for i in range(len(case.x)):
        others = torch.arange(len(case.x)) != i
        scores = -(((case.x[i] - case.x[others]) / bandwidth) ** 2) / 2
        errors.append((scores.softmax(0) @ case.y[others] - case.y[i]) ** 2)
    return torch.stack(errors).mean().item()


def errors_of(case):
    """The leave-one-out errors of the whole grid."""
    return torch.tensor([brute_force(case, width) for width in GRID])


def has_a_clear_best(case):
    """The smallest error is no matter of rounding."""
    best, second = errors_of(case).sort().values[:2].tolist()
    return second > 1.001 * best


def number(got, what):
    """A number, or a tensor that holds a single one; that it is a float is a claim of its own."""
    if isinstance(got, Tensor) and got.numel() == 1:
        return got.item()
    assert_that(isinstance(got, int | float), f"{what} is not a number", got=None if got is None else str(got))
    return float(got)


def error_of(student, case, bandwidth):
    """The student's leave-one-out error."""
    return number(student.loo_error(case.x, case.y, bandwidth), "loo_error")


def choice_of(student, case, grid):
    """The bandwidth that the student's function chooses."""
    return number(student.select_bandwidth(case.x, case.y, grid), "select_bandwidth")


def assert_error(student, case, bandwidth, wanted, *, what="loo_error"):
    """The student's leave-one-out error is this, up to float32."""
    assert_number(error_of(student, case, bandwidth), wanted, atol=1e-5 * (1 + abs(wanted)), what=what)


def assert_choice(student, case, grid, wanted, *, what="select_bandwidth"):
    """The student's function chooses this bandwidth."""
    assert_number(choice_of(student, case, grid), wanted, atol=1e-6 * wanted, what=what)


@worth(
    1, gate=True, hint="`loo_error` returns one number, a mean over the samples; `select_bandwidth` one of the grid's."
)
def answers_are_numbers(student):
    """`loo_error` is a number that depends on `y`, and `select_bandwidth` returns a number too."""
    case = samples(6, 1)
    assert_responds(lambda y: error_of(student, Samples(case.x, y), 0.5), case.y, case.y**2, what="loo_error")
    choice_of(student, case, grid_of())


@worth(0.5, hint="A tensor with one element becomes a number by .item().")
def numbers_are_floats(student):
    """Both functions return a Python float, no tensor."""
    case = samples(6, 2)
    assert_number(student.loo_error(case.x, case.y, 0.3), brute_force(case, 0.3), atol=1e-5, what="loo_error")
    chosen = student.select_bandwidth(case.x, case.y, grid_of(GRID[:1]))
    assert_number(chosen, GRID[0], atol=1e-6, what="select_bandwidth")


@worth(3, examples=40, hint="Do it by hand for three samples: hide one, weigh the two others, compare, and so on.")
@given(case=cases(), bandwidth=WIDTHS)
def error_is_that_of_hidden_samples(student, case, bandwidth):
    """The error is the mean of the squared errors of each sample predicted from the others."""
    assert_error(student, case, bandwidth, brute_force(case, bandwidth))


@worth(1, examples=10, hint="Predicted from one sample, whatever its distance, the answer is its value.")
@given(case=cases(high=2), bandwidth=WIDTHS)
def two_samples_predict_each_other(student, case, bandwidth):
    """With two samples the error is the squared difference of their values, at every bandwidth."""
    assert_error(student, case, bandwidth, (case.y[0] - case.y[1]).square().item())


@worth(1, examples=15, hint="Hide sample i itself, not its neighbour in the list, and keep each y with its x.")
@given(case=cases(low=3), bandwidth=WIDTHS)
def order_of_samples_does_not_matter(student, case, bandwidth):
    """The same samples in another order have the same error."""
    wanted = error_of(student, case, bandwidth)
    turned = Samples(case.x.flip(0).roll(1), case.y.flip(0).roll(1))
    assert_error(student, turned, bandwidth, wanted, what="loo_error in another order")
    assert_error(student, case, bandwidth, brute_force(case, bandwidth))


@worth(1, examples=15, hint="Only distances count, measured in bandwidths; and only differences of values.")
@given(case=cases(low=3), bandwidth=WIDTHS)
def unit_and_origin_do_not_matter(student, case, bandwidth):
    """`x` and the bandwidth in another unit, `x` and `y` from another origin, give the same error."""
    wanted = error_of(student, case, bandwidth)
    assert_error(student, Samples(4 * case.x, case.y), 4 * bandwidth, wanted, what="loo_error in another unit")
    assert_error(student, Samples(case.x + 2, case.y), bandwidth, wanted, what="loo_error after a shift of x")
    assert_error(student, Samples(case.x, case.y + 2), bandwidth, wanted, what="loo_error after a shift of y")
    assert_error(student, case, bandwidth, brute_force(case, bandwidth))


@worth(1, examples=10, hint="exp(-1000) is 0, and 0 / 0 is no number. Mask the score, or leave the sample out before.")
@given(case=cases(low=3))
def lonely_samples_have_an_error(student, case):
    """A sample a thousand bandwidths away from all others is predicted by the nearest of them."""
    lonely = Samples(torch.cat([case.x, case.x.max()[None] + 50]), torch.cat([case.y, case.y[:1] + 1]))
    assert_error(student, lonely, 0.05, brute_force(lonely, 0.05))


@worth(
    2, examples=15, hint="Compute the error of every bandwidth in the grid. Which one do you want back, and as what?"
)
@given(case=cases(low=4).filter(has_a_clear_best))
def best_of_the_grid_is_chosen(student, case):
    """The chosen bandwidth is the one in the grid whose leave-one-out error is smallest."""
    assert_choice(student, case, grid_of(), GRID[errors_of(case).argmin()])


@worth(0.5, examples=10, hint="What is returned: a place in the grid, an error, or a bandwidth?")
@given(case=cases(), width=WIDTHS)
def grid_of_one_leaves_no_choice(student, case, width):
    """With a single bandwidth in the grid, that is the answer."""
    assert_choice(student, case, grid_of([width]), width)


@worth(1, examples=10, hint="Two samples make every bandwidth equally good. What does the task want then?")
@given(case=cases(high=2), shift=st.integers(0, 4))
def larger_of_equals_is_chosen(student, case, shift):
    """When all bandwidths are equally good, the largest is chosen, wherever in the grid it stands."""
    assert_choice(student, case, grid_of().roll(shift), max(GRID))


@worth(1, examples=10, hint="The answer is a length on the axis of x: in another unit it is another number.")
@given(case=cases(low=4).filter(has_a_clear_best), unit=st.sampled_from([4.0, 0.5]))
def choice_follows_the_unit(student, case, unit):
    """In another unit of `x` and of the grid, the answer is the same length; another origin of `y` does not matter."""
    wanted = choice_of(student, case, grid_of())
    assert_choice(
        student, Samples(unit * case.x, case.y), unit * grid_of(), unit * wanted, what="the choice in another unit"
    )
    assert_choice(student, Samples(case.x, case.y + 2), grid_of(), wanted, what="the choice after a shift of y")


@worth(1, group="robust", examples=10, hint="Sort copies, and write into tensors of your own.")
@given(case=cases(low=3))
def arguments_are_left_alone(student, case):
    """After both calls `x`, `y` and `grid` are as they were, and the error is right."""
    grid = grid_of()
    before = {"x": case.x.clone(), "y": case.y.clone(), "grid": grid.clone()}
    assert_error(student, case, 0.3, brute_force(case, 0.3))
    choice_of(student, case, grid)
    for name, now in (("x", case.x), ("y", case.y), ("grid", grid)):
        assert_unchanged(now, before[name], what=name)


@worth(0.5, group="robust", hint="Nobody takes the derivative of a choice: where may the graph be left?")
def gradients_may_be_required(student):
    """`x`, `y` and `grid` that require gradients are measured like others."""
    case = samples(6, 3)
    wanted, chosen = brute_force(case, 0.3), choice_of(student, case, grid_of())
    case = Samples(case.x.requires_grad_(), case.y.requires_grad_())
    assert_error(student, case, 0.3, wanted)
    assert_choice(student, case, grid_of().requires_grad_(), chosen)
