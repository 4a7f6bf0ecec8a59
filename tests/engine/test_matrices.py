"""Tensors as matrices: how they split, what differs, how numbers are written."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.matrices import pairs, short, views
from headcheck.properties import show


def texts(view):
    """The cells of every matrix, as text."""
    return [[[cell.text for cell in row] for row in matrix.rows] for matrix in view.matrices]


def differing(view):
    """The places of the differing cells: matrix, row, column."""
    return [
        (m, r, c)
        for m, matrix in enumerate(view.matrices)
        for r, row in enumerate(matrix.rows)
        for c, cell in enumerate(row)
        if cell.differs
    ]


def compared(got, wanted):
    """Both sides of a single value."""
    (pair,) = pairs({"x": show(got)}, {"x": show(wanted)})
    return pair


def viewed(value):
    """One value by itself."""
    (view,) = views({"x": value})
    return view


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.33333333, "0.3333"),
        (0.5, "0.5"),
        (-2.50001, "-2.5"),
        (1e-5, "1e-5"),
        (1234567.0, "1.235e6"),
        (-0.0, "0"),
        (-1000000, "-1000000"),
        (True, "True"),
        (None, "None"),
        ("nan", "nan"),
        (float("inf"), "inf"),
        (2**100, "an integer of 101 bits"),
    ],
)
def test_numbers_are_short(value, text):
    """At most four significant digits of a fraction, whole numbers in full."""
    assert short(value) == text


@pytest.mark.parametrize(
    ("shape", "labels", "axes"),
    [
        ((), [""], 0),
        ((3,), [""], 1),
        ((2, 3), [""], 2),
        ((2, 1, 3), ["[0]", "[1]"], 2),
        ((2, 2, 1, 3), ["[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"], 2),
    ],
)
def test_leading_axes_become_labels(shape, labels, axes):
    """The last two axes are a matrix, and the place on the others is its label."""
    view = viewed(show(torch.zeros(shape)))
    assert [matrix.label for matrix in view.matrices] == labels
    assert {matrix.axes for matrix in view.matrices} == {axes}


@given(st.lists(st.integers(1, 3), max_size=4))
def test_splitting_keeps_every_number_in_order(shape):
    """Read row by row, the matrices are the tensor."""
    count = int(torch.tensor(shape).prod())
    view = viewed(show(torch.arange(count).reshape(shape)))
    kept = [int(cell) for matrix in texts(view) for row in matrix for cell in row]
    assert kept == list(range(count))[: len(kept)]
    assert len(kept) == count or view.left_out


def test_dtype_and_shape_are_said():
    """They are often what is wrong."""
    assert viewed(show(torch.zeros(2, 3))).kind == "float32 (2, 3)"


def test_cells_differ_beyond_the_tolerance_of_the_dtype():
    """A rounding error is no difference, a wrong number is, on both sides."""
    pair = compared(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0 + 1e-6, 2.1], [3.0, 4.0]]))
    assert differing(pair.got) == differing(pair.wanted) == [(0, 0, 1)]


def test_the_smallest_difference_is_marked_when_there_is_no_other():
    """Some properties want equality; then digits are added until both sides read differently."""
    pair = compared(torch.tensor([0.1], dtype=torch.float64), torch.tensor([0.1 + 1e-12], dtype=torch.float64))
    assert differing(pair.got) == [(0, 0, 0)]
    assert texts(pair.got) != texts(pair.wanted)


def test_nan_differs_from_everything_and_infinities_from_each_other():
    """NaN never passes, not even where NaN was wanted."""
    nan, inf = float("nan"), float("inf")
    pair = compared(torch.tensor([nan, inf, inf, -inf]), torch.tensor([nan, inf, -inf, 0.0]))
    assert differing(pair.got) == [(0, 0, 0), (0, 0, 2), (0, 0, 3)]


def test_tensors_of_different_shapes_have_no_differing_cells():
    """Their shapes say what is wrong."""
    pair = compared(torch.zeros(2, 3), torch.ones(3, 2))
    assert (pair.got.kind, pair.wanted.kind, differing(pair.got)) == ("float32 (2, 3)", "float32 (3, 2)", [])


def test_levels_follow_the_largest_number_of_both_sides():
    """A number has the same shade in got and wanted; what is not finite has none."""
    pair = compared(torch.tensor([10.0, -2.0, float("nan")]), torch.tensor([-4.0, -2.0, 0.0]))
    assert [cell.level for cell in pair.got.matrices[0].rows[0]] == [5, -1, None]
    assert [cell.level for cell in pair.wanted.matrices[0].rows[0]] == [-2, -1, 0]


def test_values_of_one_name_are_paired_and_a_last_one_on_either_side_too():
    """`X after the call` stands beside `X before the call`, and its changed cells are marked."""
    one, two = show(torch.tensor([1.0, 2.0])), show(torch.tensor([1.0, 3.0]))
    same, renamed = pairs({"y": one, "X after": two}, {"X before": one, "y": one})
    assert (same.got.name, same.wanted.name) == ("y", "y")
    assert (renamed.got.name, renamed.wanted.name) == ("X after", "X before")
    assert differing(renamed.got) == [(0, 0, 1)]


def test_values_without_a_partner_stand_alone():
    """Nothing is paired by guessing."""
    found = pairs({"a": 1, "b": 2}, {"c": 3})
    assert [(p.got and p.got.text, p.wanted and p.wanted.text) for p in found] == [
        ("1", None),
        ("2", None),
        (None, "3"),
    ]


def test_a_large_tensor_is_one_line_and_says_how_much_differs():
    """Sides over sixteen, and tensors whose numbers were not kept, are not drawn."""
    pair = compared(torch.zeros(1, 20), torch.eye(20)[:1])
    assert pair.got.text == "too large to show; 1 of 20 values differ"
    assert viewed(show(torch.arange(20))).text == "too large to show; from 0 to 19"
    assert viewed(show(torch.zeros(100, 100))).text == "too large to show"
    assert viewed(show(torch.zeros(0, 3))).text == "no values"


def test_of_many_matrices_those_that_differ_are_kept():
    """Eight are drawn, in their order, and the rest counted."""
    got, wanted = torch.zeros(20, 1, 2), torch.zeros(20, 1, 2)
    wanted[17] = 1
    view = compared(got, wanted).got
    assert [matrix.label for matrix in view.matrices] == [*(f"[{place}]" for place in range(7)), "[17]"]
    assert view.left_out == 12


def test_a_list_of_tensors_is_one_value_each():
    """A tuple of results is shown item by item."""
    found = views({"both": show((torch.zeros(1), torch.ones(2))), "plain": [1, 2.5]})
    assert [(view.name, view.text) for view in found] == [("both[0]", ""), ("both[1]", ""), ("plain", "[1, 2.5]")]


@pytest.mark.parametrize(
    "value",
    [
        {"dtype": "float32", "shape": [2], "values": [1]},
        {"dtype": "float32", "shape": [2, 2], "values": [[1, 2], [3]]},
        {"dtype": "float32", "shape": [1], "values": [[1]]},
        {"dtype": "float32", "shape": [True], "values": [1]},
        {"dtype": "float32", "shape": [-1]},
        {"dtype": 1, "shape": []},
        {"dtype": "float32", "shape": [1] * 17},
        {"dtype": "float32", "shape": [1], "values": [1], "more": 1},
        {"weights\x1b[2J": "<script>"},
        "\u202etext",
        [[[[1]]], {"a": None}],
    ],
)
def test_what_only_resembles_a_tensor_is_plain_text(value):
    """A student's dictionary cannot make the view fail, or hide anything in it."""
    view = viewed(value)
    assert view.matrices == ()
    assert view.text
    assert view.text.isprintable()


def test_a_shape_may_claim_anything():
    """A shape without numbers is said, not built."""
    assert viewed({"dtype": "float32", "shape": [2**40, 2**40]}).text == "too large to show"


def test_extreme_numbers_have_shades():
    """The largest float64 overflows nothing."""
    top = torch.finfo(torch.float64).max
    pair = compared(torch.tensor([top, 5e-324], dtype=torch.float64), torch.tensor([-top, 0.0], dtype=torch.float64))
    assert [cell.level for cell in pair.got.matrices[0].rows[0]] == [5, 0]


def test_attention_weights_have_levels_of_their_own():
    """Tenths of the whole weight, not of the largest; what is no number has none."""
    weights = torch.tensor([[0.5, 0.26, 0.0, float("nan")]])
    (view,) = views({"attention_weights": show(weights)})
    assert view.weights
    assert [cell.level for cell in view.matrices[0].rows[0]] == [5, 3, 0, None]


@pytest.mark.parametrize(
    ("name", "got", "wanted"),
    [("weights", [1.5, 0.0], [1.0, 0.0]), ("weights", [0.5, 0.5], [-1.0, 2.0]), ("W.weight", [0.5], [0.5])],
)
def test_what_are_no_weights_keeps_levels_of_both_signs(name, got, wanted):
    """One number outside 0 to 1 on either side, or another name."""
    (pair,) = pairs({name: show(torch.tensor(got))}, {name: show(torch.tensor(wanted))})
    assert not pair.got.weights
    assert not pair.wanted.weights


@pytest.mark.parametrize(
    ("name", "axes"),
    [
        ("scores", ("queries", "keys")),
        ("weights after the call", ("queries", "keys")),
        ("mha.attention.attention_weights", ("queries", "keys")),
        ("the attention weights of step 0", ("queries", "keys")),
        ("attention_weights.sum(-1)", ("", "")),
        ("attention_weights @ values", ("", "")),
        ("differences of the scores", ("", "")),
        ("gradient of scores", ("", "")),
        ("output", ("", "")),
    ],
)
def test_axes_of_weights_and_scores_have_names(name, axes):
    """Rows are queries and columns keys; what is computed from them has other axes."""
    (view,) = views({name: show(torch.zeros(1, 2, 3))})
    assert (view.down, view.across) == axes


def test_weights_of_one_axis_have_no_named_axes():
    """It may be either."""
    (view,) = views({"weights": show(torch.zeros(3))})
    assert (view.down, view.across, view.weights) == ("", "", True)


def test_one_matrix_needs_no_label():
    """The place in a batch of one says nothing; of several, or of those left out, it does."""
    assert [viewed(show(torch.zeros(batch, 2, 2))).is_alone for batch in (1, 2, 20)] == [True, False, False]


def test_a_pair_is_alike_where_only_numbers_differ():
    """Then its name and shape need to be said once."""
    assert compared(torch.zeros(2), torch.ones(2)).is_alike
    assert not compared(torch.zeros(2), torch.ones(3)).is_alike
    assert [pair.is_alike for pair in pairs({"a": 1}, {})] == [False]
