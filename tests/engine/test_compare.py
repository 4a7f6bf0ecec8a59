"""Comparing: what differs is said, and nothing unequal passes."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor

from headcheck.compare import (
    MAX_POINTS,
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_measured,
    assert_not_copied,
    assert_number,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_tensor,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
    measurements,
    record,
    recording,
)
from headcheck.errors import StudentRaised
from headcheck.results import Curve

ANOTHER_FLOAT = "the result is {}, wanted {}: give what you create the dtype of the inputs"
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def message(function, *args, **kwargs):
    """What the assertion says when it fails."""
    with pytest.raises(Mismatch) as caught:
        function(*args, **kwargs)
    return str(caught.value)


@given(st.lists(st.floats(width=32), min_size=1, max_size=5), st.sampled_from(FLOATS))
def test_a_tensor_is_close_to_itself_unless_it_holds_nan(values, dtype):
    """Infinities equal themselves; NaN equals nothing."""
    it = tensor(values, dtype=torch.float64).to(dtype)
    if it.isnan().any():
        assert "nan" in message(assert_close, it, it)
    else:
        assert assert_close(it, it.clone()) is it


@pytest.mark.parametrize("wanted", [0.0, math.nan, math.inf])
@pytest.mark.parametrize("compare", [assert_close, assert_equal])
def test_nan_never_passes(compare, wanted):
    """Not even where NaN is wanted, nor with any tolerance."""
    assert "is nan" in message(compare, tensor([math.nan]), tensor([wanted]))
    assert "is nan" in message(assert_close, tensor([math.nan]), tensor([wanted]), atol=math.inf)
    assert "is nan" in message(assert_zero, tensor([math.nan]))


@pytest.mark.parametrize("compare", [assert_close, assert_equal])
def test_nothing_is_no_proof(compare):
    """A submission that claims sizes of 0 earns nothing by them."""
    with pytest.raises(Mismatch, match=r"\(0, 3\): it is empty"):
        compare(torch.empty(0, 3), torch.empty(0, 3))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3, 1), (1, 3), (2, 3, 1), (6,)])
@pytest.mark.parametrize("compare", [assert_close, assert_equal])
def test_nothing_broadcasts(compare, shape):
    """Equal numbers in another shape are not equal."""
    assert message(compare, torch.ones(shape), torch.ones(2, 3)) == f"the result has shape {shape}, wanted (2, 3)"


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_tolerance_follows_the_dtype(dtype):
    """An error of the last bit passes, one of a tenth does not."""
    one = torch.ones(1, dtype=dtype)
    assert_close(one + torch.finfo(dtype).eps, one)
    assert "wanted 1" in message(assert_close, one + 0.1, one)


def test_whole_numbers_have_no_tolerance():
    """Unless it is given."""
    assert "is 2, wanted 1" in message(assert_close, tensor([2]), tensor([1]))
    assert_close(tensor([2]), tensor([1]), atol=1)


def test_the_dtype_is_compared_unless_told_otherwise():
    """float64 in place of float32 is a mistake where the caller says nothing."""
    assert message(assert_close, torch.ones(1).double(), torch.ones(1)) == ANOTHER_FLOAT.format("float64", "float32")
    assert_close(torch.ones(1).double(), torch.ones(1), dtype=False)


def test_an_imaginary_part_is_seen():
    """Complex numbers do not pass for their real parts."""
    assert "is 1+5j" in message(assert_close, tensor([1 + 5j]), tensor([1.0]), dtype=False)
    assert "wanted 1+1j" in message(assert_close, tensor([1 + 5j]), tensor([1 + 1j]))


@given(st.integers(0, 1), st.integers(0, 2))
def test_the_first_differing_element_is_named(row, column):
    """With what it is and what it should be."""
    got = torch.zeros(2, 3)
    got[row, column] = 2.0
    assert message(assert_close, got, torch.zeros(2, 3), what="w") == f"w[{row}, {column}] is 2, wanted 0"


def test_both_sides_are_kept_for_the_report():
    """Shown side by side, under the name of what was compared."""
    with pytest.raises(Mismatch) as caught:
        assert_close(tensor(1.0), tensor(2.0), what="w")
    assert (caught.value.got, caught.value.wanted) == ({"w": tensor(1.0)}, {"w": tensor(2.0)})


@pytest.mark.parametrize(
    ("got", "said"),
    [(None, "the result is None: is a `return` missing?"), ([1.0], "not a tensor but a list"), (1.0, "a float")],
)
@pytest.mark.parametrize("check", [assert_tensor, assert_finite, assert_zero, gradients])
def test_what_is_no_tensor_is_named(check, got, said):
    """By its type, and a missing return is guessed."""
    assert said in message(check, got, *([[]] if check is gradients else []))


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (2, "not a tensor but a int: leave out `.item()`, `float` and the like"),
        ([1.0], "not a tensor but a list: leave out `.tolist()`, or make one tensor of it by torch.stack"),
        ((1, 2), "not a tensor but a tuple of 2: does `return` name more than is asked for?"),
        (torch.ones(1).numpy(), "not a tensor but a numpy array: leave out `.numpy()`, and use torch's functions"),
        (torch.relu, "not a tensor but a builtin_function_or_method: are the round brackets of its call missing?"),
        ("1", "not a tensor but a str"),
    ],
)
def test_what_came_instead_of_a_tensor_has_its_remedy(got, said):
    """One for each kind of thing that beginners return."""
    assert message(assert_tensor, got) == f"the result is {said}"


@pytest.mark.parametrize("got", [torch.eye(2).to_sparse(), torch.ones(2, 2, device="meta")])
def test_sparse_and_meta_tensors_never_pass(got):
    """What has no dense elements cannot agree with any."""
    with pytest.raises((Mismatch, RuntimeError)):
        assert_close(got, torch.ones(2, 2))


def test_shape_and_dtype_are_exact():
    """And the tensor is handed on when they are right."""
    it = torch.ones(2, 3)
    assert assert_shape(it, (2, 3)) is assert_dtype(it, torch.float32) is it
    assert message(assert_dtype, it, torch.float64) == ANOTHER_FLOAT.format("float32", "float64")
    assert message(assert_dtype, it, torch.int64) == "the result is float32, wanted int64"


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_what_is_not_finite_is_found(value, shown):
    """With its place."""
    assert message(assert_finite, tensor([0.0, value]), what="w") == f"w[1] is {shown}, wanted a finite number"
    assert assert_finite(torch.ones(2)) is not None


def test_zero_is_exact_and_may_be_asked_for_in_places():
    """A tiny weight is not no weight; what is outside the mask does not matter."""
    assert message(assert_zero, tensor([0.0, 1e-30]), what="w") == "w[1] is 1e-30, wanted exactly 0"
    assert_zero(tensor([0.0, 1.0]), where=tensor([True, False]))
    assert "has shape" in message(assert_zero, torch.zeros(1), where=torch.ones(2, dtype=torch.bool))


@pytest.mark.parametrize("now", [tensor([1.0, 3.0]), tensor([1.0, 2.0]).double(), tensor([[1.0, 2.0]])])
def test_a_changed_argument_is_named(now):
    """Content, dtype and shape."""
    before = tensor([1.0, 2.0])
    assert_unchanged(before.clone(), before, what="scores")
    assert message(assert_unchanged, now, before, what="scores") == "your code changed its argument `scores`"


@pytest.mark.parametrize("got", [True, None, "1", torch.ones(())])
def test_only_a_number_is_a_number(got):
    """Not a bool, not a tensor of one element."""
    assert "is not a number" in message(assert_number, got, 1, atol=9)


def test_a_number_is_compared_with_a_tolerance():
    """NaN is within none."""
    assert assert_number(1, 1.5, atol=0.5) == 1.0
    assert message(assert_number, 2.0, 1.0, atol=0.5) == "the result is 2, wanted 1"
    assert "is nan" in message(assert_number, math.nan, 1.0, atol=math.inf)


def test_any_other_claim_shows_what_was_got():
    """The keywords go into the report."""
    assert_that(True, "never said")
    with pytest.raises(Mismatch, match="too few") as caught:
        assert_that(False, "too few", heads=1)
    assert caught.value.got == {"heads": 1}


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x, 1], lambda x: {"a": (x,)}, lambda x: float(x.sum())])
def test_a_function_of_its_input_responds(wrap):
    """Tensors, numbers and containers of them."""
    assert_responds(wrap, tensor([1.0]), tensor([2.0]))


def remembering():
    """A function whose answers count its calls."""
    calls = []
    return lambda _: calls.append(1) or torch.tensor(float(len(calls)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda _: torch.ones(2), "does not depend on them"),
        (lambda _: math.nan, "does not depend on them"),
        (lambda _: None, "holds no numbers"),
        (lambda _: [], "holds no numbers"),
        (remembering(), "when the same input comes again"),
    ],
)
def test_a_constant_or_counting_answer_does_not_respond(function, said):
    """Two inputs, two answers; one input, one answer."""
    assert said in message(assert_responds, function, tensor([1.0]), tensor([2.0]))


def test_an_argument_handed_back_is_noticed():
    """Also in another dtype; another shape is another thing."""
    given_ = tensor([1.0, 2.0])
    assert_not_copied(given_ + 1, given_)
    assert_not_copied(given_[None], given_)
    assert message(assert_not_copied, given_.double(), given_) == "the result is the argument itself"


def _raising(error):
    raise error


def test_an_error_that_is_wanted_is_known_by_its_name():
    """The right exception passes; another one, or none, is a mismatch."""
    assert_raises("ValueError", _raising, StudentRaised("ValueError", "no"), what="seven")
    assert_raises("ValueError", _raising, StudentRaised("HeadError", "no", "", ("ValueError",)), what="seven")
    assert "wanted a ValueError" in message(
        assert_raises, "ValueError", _raising, StudentRaised("KeyError", "x"), what="7"
    )
    assert "raises nothing" in message(assert_raises, "ValueError", abs, -7, what="seven")


def test_gradients_are_those_of_the_sum():
    """Zero for an input on which the result does not depend."""
    x, y = tensor([1.0, 2.0], requires_grad=True), tensor([3.0], requires_grad=True)
    of_x, of_y = gradients(x**2, [x, y])
    assert_equal(of_x, tensor([2.0, 4.0]))
    assert_equal(of_y, tensor([0.0]))


def test_a_result_cut_from_the_graph_is_a_mistake():
    """Said so, for gradients and for the check of them."""
    x = tensor([1.0], dtype=torch.float64, requires_grad=True)
    assert "no gradient flows" in message(gradients, x.detach(), [x])
    assert "no gradient flows" in message(assert_gradcheck, lambda x: x.detach(), x)


def test_a_gradient_is_checked_against_finite_differences():
    """A detached factor leaves a gradient, but not the derivative."""
    x = tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    assert_gradcheck(lambda x: x * x, x)
    assert "is not its derivative" in message(assert_gradcheck, lambda x: x * x.detach(), x)


# What training comes to


@pytest.mark.parametrize(("value", "bounds"), [(0.9, {"at_least": 0.9}), (0.1, {"at_most": 0.1}), (2, {})])
def test_a_figure_within_its_thresholds_passes(value, bounds):
    """The thresholds belong to what is right."""
    assert_measured(value, what="accuracy", **bounds)


@pytest.mark.parametrize(
    ("value", "bounds", "said"),
    [
        (0.85, {"at_least": 0.9}, "accuracy is 0.850, wanted at least 0.9"),
        (0.5, {"at_least": 0.25, "at_most": 0.4}, "accuracy is 0.500, wanted at most 0.4"),
        (0.1, {"at_least": 0.25, "at_most": 0.4}, "accuracy is 0.100, wanted at least 0.25"),
        (math.nan, {"at_least": 0.9}, "accuracy is nan, wanted at least 0.9"),
    ],
)
def test_a_figure_outside_says_which_threshold(value, bounds, said):
    """With the figure itself."""
    with pytest.raises(Mismatch, match=re.escape(said)):
        assert_measured(value, what="accuracy", **bounds)


def test_whoever_listens_hears_every_figure():
    """Then nothing is refused, and afterwards it is again."""
    with measurements() as found:
        assert_measured(0.1, what="accuracy", at_least=0.9)
        assert_measured(0.2, what="loss", at_most=1.0)
    assert [(each.what, each.value, each.at_least) for each in found] == [
        ("accuracy", 0.1, 0.9),
        ("loss", 0.2, -math.inf),
    ]
    with pytest.raises(Mismatch):
        assert_measured(0.1, what="accuracy", at_least=0.9)


# What is recorded of a training


def recorded(*told):
    """The curves of what is recorded as (name, values), or measured as (name, value, thresholds)."""
    with recording() as recorder:
        for what, values, *bounds in told:
            if bounds:
                assert_measured(values, what=what, **bounds[0])
            else:
                record(what, values)
    return recorder.curves()


def test_points_of_one_name_are_one_curve():
    """One after the other, or a list of them at once; tensors of one number count."""
    assert recorded(("loss", 3.0), ("share", 0.5), ("loss", [2, tensor(1.0)])) == [
        Curve("loss", [3.0, 2.0, 1.0]),
        Curve("share", [0.5]),
    ]


def test_a_measured_figure_ends_the_curve_of_its_name():
    """With its thresholds, whether or not it lies between them; without points before it is a curve of its own."""
    told = [("share", 0.5), ("share", 0.9, {"at_least": 0.8}), ("w", 3.0, {"at_least": 2.0, "at_most": 6.0})]
    assert recorded(*told) == [
        Curve("share", [0.5, 0.9], at_least=0.8),
        Curve("w", [3.0], at_least=2.0, at_most=6.0),
    ]
    with recording() as recorder, pytest.raises(Mismatch):
        assert_measured(0.1, what="share", at_least=0.8)
    assert recorder.curves() == [Curve("share", [0.1], at_least=0.8)]


def test_what_is_recorded_after_a_figure_belongs_to_another_training():
    """Every curve begins anew, also one that no figure ends; figures of one training may follow each other."""
    one = [("loss", 2.0), ("a", 0.1), ("b", 0.2), ("a", 0.3, {"at_least": 0.0}), ("b", 0.4, {"at_most": 1.0})]
    assert recorded(*one, *one) == 2 * [
        Curve("loss", [2.0]),
        Curve("a", [0.1, 0.3], at_least=0.0),
        Curve("b", [0.2, 0.4], at_most=1.0),
    ]


@pytest.mark.parametrize("told", [None, "text", True, [], {}, ["a", 1.0], tensor([1.0, 2.0]), tensor(1j), [[1.0]]])
def test_what_is_no_number_is_left_out(told):
    """A submission may return anything as its losses, and is not judged by what can be drawn."""
    assert recorded(("loss", told)) == []


@pytest.mark.parametrize("end", [math.nan, math.inf, -math.inf, 1e300, 10**400, tensor(math.nan)])
def test_a_curve_ends_where_it_is_no_longer_finite(end):
    """As a training does."""
    assert recorded(("loss", [3.0, end, 1.0])) == [Curve("loss", [3.0])]


def test_long_curves_are_thinned_and_keep_their_last_value():
    """To a number of points that a drawing can show, evenly, with four digits each."""
    (curve,) = recorded(("loss", [1 / (step + 3) for step in range(1001)]))
    assert MAX_POINTS / 2 < len(curve.values) <= MAX_POINTS
    assert curve.values[-3:] == [float(f"{1 / (step + 3):.4g}") for step in (988, 994, 1000)]


def test_outside_of_a_recording_nothing_is_kept():
    """Audits and benchmarks run the same lines."""
    record("loss", 1.0)
    assert recorded() == []
