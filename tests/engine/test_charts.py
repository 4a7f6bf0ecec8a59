"""Curves as drawings: what is drawn together, where it lies, and what a hostile number cannot do."""

from __future__ import annotations

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.charts import BOTTOM, FEW, HEIGHT, LEFT, RIGHT, TOP, WIDTH, charts
from headcheck.results import Curve


def places(path):
    """The points of a path, of which the first is told by where it is, and each other by how far on from the last."""
    steps = [map(float, step.split(",")) for step in path.removeprefix("m").split()]
    along, up = zip(*steps, strict=True)
    return [(round(x, 1), round(y, 1)) for x, y in zip(accumulate(along), accumulate(up), strict=True)]


def drawn(*curves):
    """The only drawing."""
    (chart,) = charts(curves)
    return chart


def test_runs_of_one_name_are_one_drawing_and_figures_come_last():
    """In the order in which they began otherwise."""
    curves = [Curve("a", [1.0]), Curve("b", [3.0, 2.0]), Curve("a", [2.0]), Curve("c", [2.0, 1.0])]
    assert [(chart.name, len(chart.own), chart.is_scale) for chart in charts(curves)] == [
        ("b", 1, False),
        ("c", 1, False),
        ("a", 2, True),
    ]


def test_a_curve_runs_from_the_first_step_to_the_last():
    """From edge to edge, and a smaller value lies lower."""
    points = places(drawn(Curve("loss", [4.0, 2.0, 1.0])).own[0].path)
    assert [x for x, _ in points] == [LEFT, (LEFT + WIDTH - RIGHT) / 2, WIDTH - RIGHT]
    assert points[0][1] < points[1][1] < points[2][1]


def test_a_curve_that_stops_early_ends_where_a_right_one_goes_on():
    """Both have the same steps."""
    chart = drawn(Curve("loss", [4.0, 2.0], [4.0, 2.0, 1.0, 1.0]))
    assert places(chart.own[0].path) == places(chart.right[0].path)[:2]


def test_a_threshold_lies_where_its_value_would():
    """And what is allowed reaches from it to the edge."""
    chart = drawn(Curve("share", [0.25, 0.75], at_least=0.75))
    (threshold,) = chart.thresholds
    assert threshold.place == chart.own[0].end[1]
    assert (threshold.text, chart.allowed) == ("0.75", (TOP, threshold.place))
    assert drawn(Curve("loss", [1.0, 0.5], at_most=0.5)).allowed[1] == HEIGHT - BOTTOM


def test_between_two_thresholds_is_allowed():
    """On a scale from left to right."""
    chart = drawn(Curve("w", [3.0], at_least=2.5, at_most=6.0))
    assert [(each.text, each.at_least) for each in chart.thresholds] == [("2.5", True), ("6", False)]
    assert chart.allowed == tuple(each.place for each in chart.thresholds)


def test_figures_on_a_scale_are_sorted():
    """So that the first and last say from where to where they go."""
    assert [run.last for run in drawn(Curve("w", [3.0]), Curve("w", [1.0]), Curve("w", [2.0])).own] == ["1", "2", "3"]


def test_first_and_last_values_are_said():
    """In three digits."""
    (run,) = drawn(Curve("loss", [2.34567, 1.0, 0.0123456])).own
    assert (run.first, run.last) == ("2.35", "0.0123")


def test_what_spans_powers_of_ten_has_ticks_at_them():
    """A loss that falls from 3 to 0.002 is readable to its end."""
    chart = drawn(Curve("loss", [3.0, 0.3, 0.002]))
    assert [tick.text for tick in chart.ticks] == ["0.01", "0.1", "1"]
    steps = [tick.place for tick in chart.ticks]
    assert steps[0] - steps[1] == pytest.approx(steps[1] - steps[2], abs=0.2)


def test_shares_have_the_whole_between_0_and_1():
    """So that half is half way up."""
    assert [tick.text for tick in drawn(Curve("share", [0.1, 0.9])).ticks] == ["0", "0.25", "0.5", "0.75", "1"]


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [1.0, 1.0], [-5.0, -5.0], [1e12, 1e12], [1e-300, 1.0], [1e300]])
def test_flat_tiny_and_huge_values_are_drawn_or_left_out(values):
    """Nothing is divided by a span of 0."""
    for chart in charts([Curve("loss", values, values, at_most=values[0])]):
        assert all(math.isfinite(number) for run in chart.own for number in run.end)
        assert chart.ticks


def test_a_curve_without_a_finite_value_is_not_drawn():
    """Nor does its right model stand alone."""
    assert charts([Curve("loss", []), Curve("loss", [math.nan, math.inf], [1.0])]) == []


@given(
    st.lists(st.floats(), max_size=5),
    st.lists(st.floats(), max_size=5),
    st.none() | st.floats(),
    st.none() | st.floats(),
)
def test_everything_lies_inside_the_drawing(values, right, at_least, at_most):
    """Whatever the numbers are."""
    for chart in charts([Curve("x", values, right, at_least, at_most)]):
        low, high = (LEFT, WIDTH - RIGHT) if chart.is_scale else (TOP, HEIGHT - BOTTOM)
        along = [run.end[0 if chart.is_scale else 1] for run in (*chart.own, *chart.right)]
        along += [each.place for each in (*chart.thresholds, *chart.ticks)] + [*(chart.allowed or ())]
        assert all(low <= place <= high for place in along)
        assert len(chart.ticks) <= 8


# A class


def of_class(*curves):
    """The only drawing of a class."""
    (chart,) = charts(curves, of_class=True)
    return chart


def test_a_student_has_no_spread():
    """There is nobody to compare with."""
    assert drawn(Curve("loss", [2.0, 1.0]), Curve("loss", [3.0, 1.0])).spread is None


def test_few_trainings_are_drawn_one_by_one():
    """And how they end is said: the lowest, the middle, the highest."""
    chart = of_class(*(Curve("loss", [4.0, float(end)]) for end in range(FEW)))
    assert len(chart.own) == FEW
    assert (chart.spread.bands, chart.spread.spans) == ((), ())
    found = (chart.spread.count, chart.spread.lowest, chart.spread.middle, chart.spread.highest)
    assert found == (30, "0", "14.5", "29")


def test_many_trainings_are_their_middle_and_two_bands():
    """Of 0 to 100 at the end, half lie from 25 to 75 and four fifths from 10 to 90."""
    chart = of_class(*(Curve("loss", [50.0, float(end)]) for end in range(101)))
    assert [run.last for run in chart.own] == ["50"]
    bands = [places(band) for band in chart.spread.bands]
    low, *_, high = chart.ticks
    step = (high.place - low.place) / (float(high.text) - float(low.text))
    ends = [[round(float(low.text) + (y - low.place) / step) for _, y in band] for band in bands]
    assert ends == [[50, 10, 90, 50], [50, 25, 75, 50]]
    assert [x for x, _ in bands[0]] == [LEFT, WIDTH - RIGHT, WIDTH - RIGHT, LEFT]


def test_many_figures_are_two_spans_on_a_scale():
    """The wider one first, and the middle one between."""
    chart = of_class(*(Curve("share", [end / 100]) for end in range(101)))
    (outer, inner), middle = chart.spread.spans, chart.own[0].end[0]
    assert outer[0] < inner[0] < middle < inner[1] < outer[1]
    assert inner[1] - inner[0] == pytest.approx((outer[1] - outer[0]) * 50 / 80, abs=0.3)


def test_a_training_that_stopped_early_counts_as_far_as_it_went():
    """The rest of the class goes on."""
    chart = of_class(*(Curve("loss", [3.0, 2.0, 1.0]) for _ in range(FEW)), Curve("loss", [3.0]))
    assert [len(places(run.path)) for run in chart.own] == [3]
    assert chart.spread.count == FEW + 1


def test_right_models_that_are_alike_are_drawn_once():
    """Each student has the same ones beside their own."""
    curves = [Curve("loss", [3.0, 1.0], [3.0, right]) for right in (0.5, 0.25) for _ in range(20)]
    assert [run.last for run in of_class(*curves).right] == ["0.5", "0.25"]


@given(st.lists(st.lists(st.floats(allow_nan=True), min_size=1, max_size=4), min_size=1, max_size=60))
def test_whatever_a_class_trained_is_inside_its_drawing(runs):
    """Hostile numbers among them."""
    for chart in charts([Curve("loss", values) for values in runs], of_class=True):
        paths = [*chart.spread.bands, *(run.path for run in chart.own if run.path)]
        points = [point for path in paths for point in places(path)]
        assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in points)
        assert all(LEFT <= place <= WIDTH - RIGHT for span in chart.spread.spans for place in span)
