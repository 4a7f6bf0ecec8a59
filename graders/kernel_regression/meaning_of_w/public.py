"""What anyone can check of a width, of entropies, and of how the one decides the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    assert_close,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import Inputs, normal, seeds, sizes

HINTS = (
    (
        "Write the scores of both kernels below each other, one with w and one with a bandwidth. For which bandwidth "
        "are they equal, and what does the square make of a negative w?"
    ),
    (
        "A weight of 0 should add 0 to the entropy, but 0 times log 0 is NaN. torch has functions that know about "
        "this; look for xlogy or entr."
    ),
    (
        "The curve asks nw_pooling for the weights at each w, through your own effective_bandwidth, and averages the "
        "entropies over the queries. Mind w = 0: how wide is the kernel then?"
    ),
)

WIDTHS = st.sampled_from([2.0, -4.0, 0.1, -0.3, 1.0, 50.0])
LOOSE = {"rtol": 1e-5, "atol": 1e-5, "dtype": False}


@dataclass(frozen=True)
class Line(Inputs):
    """Queries `(queries,)`, keys `(keys,)` and widths `ws` `(widths,)`, in float64."""

    queries: Tensor
    keys: Tensor
    ws: Tensor
    any_numbers = False  # a query as far from one key as from another never decides between them

    @property
    def args(self):
        """The arguments of `sharpness_curve`, in order."""
        return self.queries, self.keys, self.ws


def line(num_queries, num_keys, num_ws, seed):
    """Normal queries and keys; widths of both signs, in no order."""
    shapes = (num_queries,), (num_keys,), (num_ws,)
    return Line(*(2 * normal(shape, seed + i, dtype=torch.float64) for i, shape in enumerate(shapes)))


def lines():
    """Lines of different numbers, 1 among them, and of equal ones."""
    counts = st.one_of(sizes(3), st.integers(2, 5).map(lambda count: (count, count, count)))
    return st.builds(lambda counts, seed: line(*counts, seed), counts, seeds())


@st.composite
def maps(draw, *, low=1):
    """Rows of weights in float64, some of which are exactly 0."""
    shape = draw(st.one_of(sizes(2, low=low), st.integers(2, 5).map(lambda count: (count, count))))
    seed = draw(seeds())
    scores = 2 * normal(shape, seed, dtype=torch.float64)
    hidden = normal(shape, seed + 1) > draw(st.sampled_from([0.0, 9.0]))
    hidden[:, -1] = False
    return scores.masked_fill(hidden, -torch.inf).softmax(-1)


def entropies(weights):
    """The entropy of each row, from the weights that are not 0."""
    rows = [row[row > 0] for row in weights]
    return torch.stack([-(row * row.log()).sum() for row in rows])


def curve_by_definition(case):
    """The mean entropy of the Gaussian weights, for each `w`."""
    distances = case.queries[:, None] - case.keys
    return torch.stack([entropies((-((distances * w) ** 2) / 2).softmax(-1)).mean() for w in case.ws])


def curve_of(student, case):
    """The student's curve, a number for each `w`."""
    return assert_shape(student.sharpness_curve(*case.args), tuple(case.ws.shape), what="sharpness_curve")


@worth(1, gate=True, hint="Sum over the keys; one number for each query is left.")
def every_row_has_an_entropy(student):
    """`row_entropy` takes (queries, keys) to (queries,), and depends on the weights."""
    weights, others = normal((3, 5), 1).softmax(-1), normal((3, 5), 2).softmax(-1)
    entropy = assert_shape(student.row_entropy(weights), (3,), what="row_entropy")
    assert_not_copied(entropy, weights[:, 0], what="row_entropy")
    assert_responds(student.row_entropy, weights, others, what="row_entropy")


@worth(1.5, examples=10, hint="What is 0 * log 0 to the computer, and what should it be? And which logarithm is it?")
@given(n=st.integers(1, 6))
def entropy_tells_one_key_from_all(student, n):
    """A row that has one key only has entropy 0; one of `n` equal weights has log n."""
    assert_close(student.row_entropy(torch.eye(n)), torch.zeros(n), what="row_entropy of one-hot rows")
    uniform = torch.full((2, n), 1 / n)
    assert_close(student.row_entropy(uniform), torch.full((2,), math.log(n)), what="row_entropy of equal weights")


@worth(2, examples=40, hint="Compute the entropy of [0.5, 0.25, 0.25, 0] by hand, with natural logarithms.")
@given(weights=maps())
def entropy_is_the_mean_of_log_one_over_p(student, weights):
    """The entropy of a row is the sum of p log(1 / p) over its weights that are not 0."""
    assert_close(student.row_entropy(weights), entropies(weights), what="row_entropy", **LOOSE)


@worth(0.5, examples=10, hint="A sum over the keys does not know their order. Over which axis do you sum?")
@given(weights=maps(low=2))
def order_of_keys_does_not_matter(student, weights):
    """The keys in another order have the same entropy, and each row alone has its own."""
    entropy = assert_shape(student.row_entropy(weights), (len(weights),), what="row_entropy")
    assert_close(student.row_entropy(weights.roll(1, 1)), entropy, what="row_entropy in another order", **LOOSE)
    assert_close(student.row_entropy(weights[:1]), entropy[:1], what="row_entropy of the first row alone", **LOOSE)
    assert_close(entropy, entropies(weights), what="row_entropy", **LOOSE)


@worth(1, examples=4, hint="No .item(), .detach() or numpy on the way: a loss may want to make maps sharper.")
@given(shape=sizes(2, low=2, high=5), seed=seeds())
def gradients_are_derivatives(student, shape, seed):
    """The gradient of the entropy is its derivative, where all weights are above 0."""
    weights = normal(shape, seed, dtype=torch.float64).softmax(-1).requires_grad_()
    assert_gradcheck(student.row_entropy, weights, what="row_entropy")


@worth(1.5, examples=15, hint="Write both kernels down, one with a width and one with w: when are they equal?")
@given(w=WIDTHS, shape=st.sampled_from([(1,), ()]))
def bandwidth_is_a_positive_number(student, w, shape):
    """`effective_bandwidth` is the Python float 1 / |w|."""
    found = student.effective_bandwidth(torch.full(shape, w))
    assert_number(found, 1 / abs(w), atol=1e-5 / abs(w), what=f"effective_bandwidth of {w}")
    assert_that(isinstance(found, float), "effective_bandwidth returns no float")


@worth(1.5, examples=15, hint="Put your bandwidth into nw_pooling, w into the module, and compare the weights.")
@given(case=lines(), w=WIDTHS)
def bandwidth_does_what_w_does(student, case, w):
    """Kernel pooling with the effective bandwidth has the weights of `NWKernelRegression` with that `w`."""
    width = student.effective_bandwidth(torch.tensor([w], requires_grad=True))
    assert_that(isinstance(width, float) and width != 0, "effective_bandwidth is no number to divide by")
    distances = case.queries[:, None] - case.keys
    wanted, found = ((-(scaled**2) / 2).softmax(-1) for scaled in (distances * w, distances / width))
    assert_close(found, wanted, what="weights of kernel pooling with the effective bandwidth", rtol=1e-4, atol=1e-5)


@worth(2, examples=25, hint="For each w: weights, the entropy of each row, and then the mean over the queries.")
@given(case=lines())
def curve_is_the_mean_entropy(student, case):
    """Each point of the curve is the mean over the queries of the entropy of their weights, for its own `w`."""
    assert_close(student.sharpness_curve(*case.args), curve_by_definition(case), what="sharpness_curve", **LOOSE)


@worth(1, examples=10, hint="With w = 0 all scores are 0. Do you divide by something that is 0 then?")
@given(case=lines())
def curve_starts_at_log_n(student, case):
    """At `w = 0` the curve is log of the number of keys."""
    found = curve_of(student, Line(case.queries, case.keys, torch.tensor([0.0, 1.0]).double()))
    assert_close(found[:1], torch.tensor([math.log(len(case.keys))]), what="sharpness_curve at 0", **LOOSE)


@worth(1, examples=10, hint="In the kernel w is squared. What does its sign say?")
@given(case=lines())
def sign_of_w_does_not_matter(student, case):
    """The curve is the same for `-w` as for `w`."""
    wanted = curve_of(student, case)
    assert_close(
        curve_of(student, Line(case.queries, case.keys, -case.ws)), wanted, what="sharpness_curve of -w", **LOOSE
    )
    assert_close(wanted, curve_by_definition(case), what="sharpness_curve", **LOOSE)


@worth(
    2, examples=20, hint="The larger |w|, the narrower the kernel, the fewer keys are heard. What does your curve say?"
)
@given(case=lines())
def curve_never_rises(student, case):
    """From smaller to larger |w| the mean entropy does not grow, from the mean down to the nearest keys alone."""
    ws = torch.tensor([0.1, 0.5, 1.0, 2.0, 5.0, 1e4]).double()
    found = assert_finite(curve_of(student, Line(case.queries, case.keys, ws)), what="sharpness_curve")
    rises = found.diff() > 1e-6
    assert_that(not rises.any(), "the curve rises", ws=ws, sharpness_curve=found)
    assert_close(found[-1:], torch.zeros(1), what="sharpness_curve at 1e4", rtol=0, atol=1e-3, dtype=False)


@worth(
    1, group="robust", hint="1 / 0 is an error to Python, and infinity to a tensor. What does nw_pooling do with it?"
)
def no_width_is_an_infinite_bandwidth(student):
    """`effective_bandwidth` of 0 is infinity."""
    found = student.effective_bandwidth(torch.zeros(1))
    assert_that(found == math.inf, f"effective_bandwidth of 0 is {found}, wanted inf")


@worth(1, group="robust", examples=10, hint="Look for functions whose name ends in an underscore, and for +=.")
@given(case=lines(), weights=maps())
def arguments_are_left_alone(student, case, weights):
    """After the calls weights, queries, keys, ws and w are as they were."""
    w = torch.tensor([-2.0])
    named = {"queries": case.queries, "keys": case.keys, "ws": case.ws, "weights": weights, "w": w}
    before = {name: tensor.clone() for name, tensor in named.items()}
    wanted = curve_by_definition(case)
    assert_close(student.sharpness_curve(*case.args), wanted, what="sharpness_curve", **LOOSE)
    assert_close(student.row_entropy(weights), entropies(before["weights"]), what="row_entropy", **LOOSE)
    assert_number(student.effective_bandwidth(w), 0.5, atol=1e-6, what="effective_bandwidth")
    for name, now in named.items():
        assert_unchanged(now, before[name], what=name)
