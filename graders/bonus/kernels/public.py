"""What anyone can check about the four kernels and the weighted mean, without a solution at hand."""

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
    assert_finite,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    gradients,
)
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes

HINTS = (
    (
        "Each kernel is a formula for a single distance, and torch does all of them at once. Which two of them need "
        "to forget the sign?"
    ),
    (
        "nw needs a table of signed distances, (queries, samples). Apply the kernel to it as it is, then make every "
        "row sum to 1."
    ),
    (
        "If a whole row is 0 there is nothing to divide by. What would `constant` say for such a row? Replace it "
        "before the division."
    ),
)

KERNELS = ("gaussian", "boxcar", "epanechikov", "constant")
FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # float32, and differences of places
SHAPES = st.sampled_from([(12,), (3, 5), (1,), (2, 1, 7), (1, 4)])
NEAR_ONE = (1.0, -1.0, 0.999, -0.999, 1.001, -1.001, 0.5, -0.5, 0.0, 2.0, -7.0)


@dataclass(frozen=True)
class Samples:
    """Samples `(samples,)` on both sides of 0, and `(queries,)` places, each with a sample nearer than 1."""

    x_train: Tensor
    y_train: Tensor
    x_val: Tensor

    @property
    def distances(self):
        """`(queries, samples)`, unsigned."""
        return (self.x_val[:, None] - self.x_train).abs()


@st.composite
def samples(draw):
    """Different numbers of samples and queries, 1 among them."""
    (number, queries), seed = draw(sizes(2, high=7)), draw(seeds())
    x_train = normal((number,), seed, scale=2.0)
    x_val = x_train[torch.arange(queries) % number] + 0.3 * normal((queries,), seed + 1).clamp(-3, 3)
    return Samples(x_train, normal((number,), seed + 2, scale=3.0), x_val)


def places(shape, seed):
    """Distances of this shape, among them 1 and its neighbours."""
    x = normal(shape, seed, scale=1.5)
    known = torch.tensor(NEAR_ONE)[: x.numel()]
    x.view(-1)[: len(known)] = known
    return x


def slow(distances):
    """A kernel that nobody writes: it fades slowly, and is nowhere 0."""
    return 3 / (1 + distances**2)


def guess(student, case, kernel, **changed):
    """What `nw` returns for these samples: the guesses, and the weights."""
    parts = [changed.get(name, getattr(case, name)).clone() for name in ("x_train", "y_train", "x_val")]
    answer = student.nw(*parts, kernel)
    assert_that(isinstance(answer, tuple | list) and len(answer) == 2, "nw does not return two tensors")
    return assert_shape(answer[0], (len(parts[2]),), what="guesses"), answer[1]


def weights_of(student, case, kernel, **changed):
    """The weights that `nw` returns for these samples."""
    _, weights = guess(student, case, kernel, **changed)
    queries, number = (len(changed.get(name, getattr(case, name))) for name in ("x_val", "x_train"))
    return assert_shape(weights, (queries, number), what="weights")


def assert_kernel(got, wanted):
    """These values, whatever their dtype."""
    assert_close(got, wanted, what="the kernel's values", dtype=False)


@worth(1, gate=True, examples=10, hint="Begin with `gaussian`: it returns a tensor as large as its argument.")
@given(shape=st.sampled_from([(12,), (3, 5), (2, 1, 7)]), seed=seeds())
def gaussian_answers_every_distance(student, shape, seed):
    """`gaussian` returns a tensor of the shape of its argument, and depends on it."""
    x = normal(shape, seed)
    assert_not_copied(assert_shape(student.gaussian(x.clone()), shape), x)
    assert_responds(lambda drawn: student.gaussian(drawn.clone()), x, 2 * x + 0.1)


@worth(1, examples=15, hint="Square first, then half of it, then minus, then the exponential; no factor in front.")
@given(shape=SHAPES, seed=seeds())
def gaussian_is_the_bell(student, shape, seed):
    """The values of `gaussian` are those of the bell with height 1 and standard deviation 1."""
    x = places(shape, seed)
    assert_kernel(student.gaussian(x.clone()), torch.e ** -(x * x / 2))


@worth(1, examples=15, hint="What counts is the size of the distance, without its sign; at exactly 1 it is too large.")
@given(shape=SHAPES, seed=seeds())
def boxcar_counts_what_is_nearer_than_1(student, shape, seed):
    """`boxcar` is 1 at distances between -1 and 1, and 0 from there on."""
    x = places(shape, seed)
    assert_kernel(student.boxcar(x.clone()), torch.tensor([float(-1 < d < 1) for d in x.flatten()]).view(shape))


@worth(1, examples=15, hint="Straight down on both sides of 0, and flat once it has reached 0.")
@given(shape=SHAPES, seed=seeds())
def epanechikov_is_the_tent(student, shape, seed):
    """`epanechikov` falls from 1 in straight lines to 0 at the distances 1 and -1, and stays there."""
    x = places(shape, seed)
    tent = torch.tensor([max(0.0, 1.0 - abs(float(d))) for d in x.flatten()]).view(shape)
    assert_kernel(student.epanechikov(x.clone()), tent)


@worth(0.5, examples=15, hint="As many ones as there are distances.")
@given(shape=SHAPES, seed=seeds())
def constant_counts_everybody(student, shape, seed):
    """`constant` is 1 at every distance."""
    assert_kernel(student.constant(places(shape, seed)), torch.ones(shape))


@worth(0.5, examples=10, hint="A sample on the left counts as much as one on the right.")
@given(shape=SHAPES, seed=seeds())
def kernels_are_even(student, shape, seed):
    """At distance 0 every kernel is 1, and elsewhere it does not depend on the sign and is never negative."""
    x = 3 * places(shape, seed)
    for name in KERNELS:
        kernel = getattr(student, name)
        assert_kernel(kernel(torch.zeros(shape)), torch.ones(shape))
        one, other = (assert_shape(kernel(d), shape, what=name).float() for d in (x.clone(), -x))
        assert_equal(other, one, what=f"{name}(-x)")
        assert_that(bool((one >= 0).all()), f"{name} is negative somewhere", x=x)


@worth(1, hint="Compute the kernel of each distance of the example, and divide by their sum.")
def example_comes_out(student):
    """The example of the exercise comes out, but for the place where nobody is near."""
    case = Samples(*(torch.tensor(part) for part in ([0.0, 0.5, 4.0], [3.0, 6.0, 30.0], [0.25, 0.0])))
    for name, wanted in (("boxcar", [4.5, 4.5]), ("epanechikov", [4.5, 4.0]), ("constant", [13.0, 13.0])):
        guesses, _ = guess(student, case, getattr(student, name))
        assert_close(guesses, torch.tensor(wanted), what=f"guesses with {name}", **LOOSE)


@worth(1, examples=15, hint="Divide by the sum of the row itself: nothing added to it, and not along the other axis.")
@given(case=samples(), far=st.sampled_from([0.0, 8.0]))
def weights_of_a_query_sum_to_1(student, case, far):
    """The weights of every query are not negative and sum to 1, even if the nearest sample is far and counts little."""
    x_val = case.x_train.max() + far + torch.arange(len(case.x_val)) / 10 if far else case.x_val
    for kernel in (student.gaussian, slow, *((student.epanechikov, student.boxcar) if not far else ())):
        weights = weights_of(student, case, kernel, x_val=x_val)
        assert_that(bool((weights >= 0).all()), "a weight is negative", weights=weights)
        assert_close(weights.sum(-1), torch.ones(len(x_val)), what="sum of the weights of each query", dtype=False)


@worth(
    1.5, examples=20, hint="A weight is the kernel of the distance between that query and that sample, over the sum."
)
@given(case=samples(), name=st.sampled_from(["a kernel of ours", "gaussian", "epanechikov"]))
def weights_are_shared_out_by_the_kernel(student, case, name):
    """A sample's weight is its kernel value over the sum of all for that query, whichever kernel is handed in."""
    values = {
        "a kernel of ours": slow(case.distances),
        "gaussian": torch.e ** -(case.distances**2 / 2),
        "epanechikov": (1 - case.distances).clamp(min=0),
    }[name]
    kernel = slow if name == "a kernel of ours" else getattr(student, name)
    wanted = values / values.sum(-1, keepdim=True)
    assert_close(weights_of(student, case, kernel), wanted, what="weights", dtype=False, **LOOSE)


@worth(1, examples=15, hint="Each query multiplies its own row of weights with the values, and adds up.")
@given(case=samples())
def guesses_are_weighted_means(student, case):
    """Each guess is the mean of the values under the returned weights, and grows with the values."""
    for kernel in (student.gaussian, slow):
        guesses, weights = guess(student, case, kernel)
        assert_shape(weights, (len(case.x_val), len(case.x_train)), what="weights")
        assert_close(guesses, (weights * case.y_train).sum(-1), what="guesses", dtype=False, **LOOSE)
        higher, _ = guess(student, case, kernel, y_train=case.y_train + 1)
        assert_close(higher, guesses + 1, what="guesses for values that are 1 higher", dtype=False, **LOOSE)


@worth(0.5, examples=10, hint="With equal weights a weighted mean is the mean.")
@given(case=samples())
def constant_kernel_guesses_the_mean(student, case):
    """With `constant` every guess is the mean of all values."""
    guesses, _ = guess(student, case, student.constant)
    assert_close(guesses, case.y_train.mean().expand_as(guesses), what="guesses", dtype=False, **LOOSE)


@worth(1, examples=15, hint="Which samples lie less than 1 away, on either side? They share the say equally.")
@given(case=samples())
def boxcar_guesses_the_mean_of_the_neighbours(student, case):
    """With `boxcar` a guess is the plain mean of the values that lie less than 1 away."""
    near = case.distances < 1
    wanted = torch.stack([case.y_train[row].mean() for row in near])
    guesses, _ = guess(student, case, student.boxcar)
    assert_close(guesses, wanted, what="guesses", dtype=False, **LOOSE)


@worth(1, examples=15, hint="Only distances count: take the size of a difference, not the difference of sizes.")
@given(case=samples(), shift=st.sampled_from([5.0, -3.0, 20.0]))
def only_distances_matter(student, case, shift):
    """Moving samples and queries together changes no guess, and neither does the order of the samples."""
    values = slow(case.distances)
    wanted = values @ case.y_train / values.sum(-1)
    moved, _ = guess(student, case, slow, x_train=case.x_train + shift, x_val=case.x_val + shift)
    assert_close(moved, wanted, what="guesses after the move", dtype=False, **LOOSE)
    turned, _ = guess(student, case, slow, x_train=case.x_train.flip(0), y_train=case.y_train.flip(0))
    assert_close(turned, wanted, what="guesses for another order of the samples", dtype=False, **LOOSE)


@worth(0.5, examples=10, hint="Do the queries share something, such as a sum over all of them?")
@given(case=samples())
def every_query_is_answered_by_itself(student, case):
    """A query alone gets the guess and the weights that it gets among others."""
    guesses, _ = guess(student, case, student.gaussian)
    weights = weights_of(student, case, student.gaussian)
    for i in range(len(case.x_val)):
        alone = case.x_val[i : i + 1]
        assert_close(guess(student, case, student.gaussian, x_val=alone)[0], guesses[i : i + 1], what="guess", **LOOSE)
        row = weights_of(student, case, student.gaussian, x_val=alone)
        assert_close(row, weights[i : i + 1], what="weights", **LOOSE)


@worth(0.5, examples=10, hint="No detach, no `.item()`, no new tensor made of plain numbers.")
@given(case=samples())
def values_get_their_weights_as_gradient(student, case):
    """The gradient of a guess with respect to the values are its weights."""
    y_train = case.y_train.requires_grad_()
    slopes = torch.arange(1.0, len(case.x_val) + 1)
    guesses, weights = student.nw(case.x_train, y_train, case.x_val, student.gaussian)
    wanted = slopes @ assert_shape(weights, tuple(case.distances.shape), what="weights").detach()
    weighted = slopes * assert_shape(guesses, tuple(case.x_val.shape), what="guesses")
    (found,) = gradients(weighted, [y_train], what="guesses")
    assert_close(found, wanted, what="gradient of the values", dtype=False, **LOOSE)


@worth(1.5, group="robust", examples=15, hint="The book divides 0 by 0. Who counts when everybody's kernel value is 0?")
@given(case=samples(), gap=st.sampled_from([1.25, 3.0, 100.0]))
def gaps_get_the_mean_of_all(student, case, gap):
    """Where no sample has a kernel value above 0, the guess is the mean of all values, and all weights are equal."""
    beyond = torch.stack([case.x_train.min() - gap, case.x_train.max() + gap])
    x_val = torch.cat([case.x_val, beyond])
    for kernel in (student.boxcar, student.epanechikov, lambda d: (1 - d**2).clamp(min=0)):
        wanted, _ = guess(student, case, kernel)
        guesses, _ = guess(student, case, kernel, x_val=x_val)
        weights = weights_of(student, case, kernel, x_val=x_val)
        assert_close(weights[-2:], torch.full((2, len(case.x_train)), 1 / len(case.x_train)), what="weights in a gap")
        assert_close(guesses[-2:], case.y_train.mean().expand(2), what="guesses in a gap", **LOOSE)
        assert_close(guesses[:-2], wanted, what="guesses elsewhere", **LOOSE)


@worth(
    1,
    group="robust",
    examples=8,
    hint="The book's boxcar returns truth values; let your answers take their dtype from what comes in.",
)
@given(case=samples(), dtype=st.sampled_from(FLOATS))
def dtype_is_kept(student, case, dtype):
    """Kernels, guesses and weights have the dtype of what came in, float64 to float16."""
    x = case.x_val.to(dtype)
    case = Samples(*(part.to(dtype) for part in (case.x_train, case.y_train, case.x_val)))
    for name in KERNELS:
        values = assert_dtype(getattr(student, name)(x.clone()), dtype, what=name)
        assert_finite(assert_shape(values, tuple(x.shape), what=name), what=name)
        guesses, weights = guess(student, case, getattr(student, name))
        assert_finite(assert_dtype(guesses, dtype, what="guesses"), what="guesses")
        assert_dtype(weights, dtype, what="weights")
        assert_close(weights.float().sum(-1), torch.ones(len(x)), what="sums of the weights", atol=0.02)


@worth(
    0.5,
    group="robust",
    examples=10,
    hint="A method that ends in _ changes its tensor, and so do `+=` and assigning to a slice.",
)
@given(case=samples())
def arguments_are_left_alone(student, case):
    """Distances, places and values are after the call what they were before."""
    distances, before = places((4, 3), 1), places((4, 3), 1)
    for name in KERNELS:
        assert_shape(getattr(student, name)(distances), (4, 3), what=name)
        assert_unchanged(distances, before, what="x")
    parts = [getattr(case, name).clone() for name in ("x_train", "y_train", "x_val")]
    wanted, _ = guess(student, case, student.gaussian)
    for _ in range(2):
        guesses, _ = student.nw(*parts, student.gaussian)
        assert_close(guesses, wanted, what="guesses, again", **LOOSE)
        for name, part in zip(("x_train", "y_train", "x_val"), parts, strict=True):
            assert_unchanged(part, getattr(case, name), what=name)
