"""Curves as drawings: what is drawn together, where it lies, and what a hostile number cannot do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, charts
from headcheck.results import Curve


def places(run):
    """The points of a line as numbers."""
    return [tuple(map(float, point.split(","))) for point in run.points.split()]


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
    points = places(drawn(Curve("loss", [4.0, 2.0, 1.0])).own[0])
    assert [x for x, _ in points] == [LEFT, (LEFT + WIDTH - RIGHT) / 2, WIDTH - RIGHT]
    assert points[0][1] < points[1][1] < points[2][1]


def test_a_curve_that_stops_early_ends_where_a_right_one_goes_on():
    """Both have the same steps."""
    chart = drawn(Curve("loss", [4.0, 2.0], [4.0, 2.0, 1.0, 1.0]))
    assert places(chart.own[0]) == places(chart.right[0])[:2]


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
