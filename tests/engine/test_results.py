"""Results: JSON both ways, the score, the status."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.errors import HeadcheckError
from headcheck.results import (
    Counterexample,
    Diagnosis,
    ExerciseResult,
    PropertyResult,
    exercise_from_json,
    section_from_json,
    section_result,
    status_of,
    to_json,
)

OUTCOMES = ["passed", "failed", "skipped", "timeout", "crashed", "broken", "missing"]


def prop(outcome, group="core"):
    """One property with this outcome."""
    return PropertyResult("rows_sum_to_one", "public", group, outcome, 0.0, 1.0)


def exercise(points=0.1):
    """One exercise with everything a result can have."""
    example = Counterexample({"x": {"dtype": "float32", "shape": [1], "values": [0.5]}}, {"y": None}, {"y": [1, "nan"]})
    failed = PropertyResult(
        "zero", "hidden", "robust", "failed", 0.0, 2.0, "it is 1", example, 0.5, "It is 0.", "Mask."
    )
    return ExerciseResult(
        "s/a", "failed", points, 2.0, 0.4, Diagnosis("late", "You mask late."), [failed], ["?"], "hi\n"
    )


def test_a_section_comes_back_from_json_as_it_was():
    """Nothing is lost on the way to the file and back."""
    result = section_result("amber", "s", "full", 7, [exercise()])
    assert section_from_json(to_json(result), "amber.json") == result


def test_an_exercise_comes_back_from_json_as_it_was():
    """Nothing is lost on the way to the cache and back."""
    assert exercise_from_json(to_json(exercise()), "x.json") == exercise()


def test_the_points_of_a_section_are_the_sum_of_its_exercises_without_rounding_noise():
    """Three times 0.1 is 0.3."""
    result = section_result("amber", "s", "strong", 0, [exercise(), exercise(), exercise()])
    assert (result.points, result.max_points) == (0.3, 6.0)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["passed", "skipped"], "failed"),
        (["failed", "crashed"], "crashed"),
        (["crashed", "timeout"], "timeout"),
        (["timeout", "broken"], "broken"),
        (["passed", "broken"], "broken"),
        (["missing", "missing"], "missing"),
        (["missing", "failed"], "failed"),
        (["missing", "skipped"], "missing"),
    ],
)
def test_the_status_is_the_gravest_outcome(outcomes, status):
    """Broken before timeout, timeout before crashed, crashed before failed."""
    assert status_of([prop(outcome) for outcome in outcomes]) == status


@given(st.sampled_from([outcome for outcome in OUTCOMES if outcome != "broken"]))
def test_robust_properties_do_not_decide_the_status(outcome):
    """An exercise is passed when all its core points are earned."""
    assert status_of([prop("passed"), prop(outcome, "robust")]) == "passed"


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1))
def test_only_passed_properties_make_a_passed_exercise(outcomes):
    """No mixture of other outcomes is taken for success."""
    assert (status_of([prop(outcome) for outcome in outcomes]) == "passed") == (set(outcomes) == {"passed"})


def test_the_json_of_a_result_carries_its_schema():
    """A later version can tell what it reads."""
    assert msgspec.json.decode(to_json(section_result("amber", "s", "full", 0, [])))["schema"] == 1


@given(st.data())
def test_damaged_json_is_an_error_that_names_the_file(data):
    """Whatever bytes are there instead: no other exception, no half-read result."""
    good = to_json(section_result("amber", "s", "full", 0, [exercise()]))
    place = data.draw(st.integers(0, len(good) - 1))
    bad = good[:place] + data.draw(st.binary(max_size=4)) + good[place + data.draw(st.integers(0, 4)) :]
    try:
        section_from_json(bad, "amber/s.json")
    except HeadcheckError as error:
        assert str(error).startswith("amber/s.json is not a result of headcheck")  # noqa: PT017


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"student": "\xff"}', b"[" * 100_000])
def test_what_is_no_result_says_what_to_do(data):
    """Delete it and grade again."""
    with pytest.raises(HeadcheckError, match="Delete it and grade again"):
        section_from_json(data, "x")


def test_json_holds_nothing_that_a_terminal_would_act_upon():
    """Whoever looks at a file with `cat` sees escapes; reading gives the text back."""
    text = "\x1b[2J\x9b31m\x7f\u202e\u200b\x00\ufeff\u2028 é 注"
    result = section_result(text, "scoring", "full", 7, [])
    data = to_json(result)
    assert data.decode().replace("\n", "").isprintable()
    assert section_from_json(data, "x") == result
