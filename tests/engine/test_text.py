"""Text from outside: seen as it is, and as nothing else."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.results import ExerciseResult, section_result
from headcheck.text import marks, number, slug, spoken, visible


@pytest.mark.parametrize(
    ("hostile", "seen"),
    [
        ("\x1b[2J\x1b[31mred", r"\x1b[2J\x1b[31mred"),
        ("\x1b]8;;http://evil\x07link", r"\x1b]8;;http://evil\x07link"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x00b", r"a\x00b"),
        ("amber\u202egnp.exe", r"amber\u202egnp.exe"),
        ("am\u200bber", r"am\u200bber"),
        ("\ufeff\u2066x\u2069", r"\ufeff\u2066x\u2069"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("one\ntwo\rthree\u2028", r"one\ntwo\rthree\u2028"),
        ("amber\u3164\ufe0f\u2800", r"amber\u3164\ufe0f\u2800"),
        ("e" + 5 * "\u0301", "e" + 4 * "\u0301" + r"\u0301"),
    ],
)
def test_what_hides_or_moves_text_is_written_out(hostile, seen):
    """Terminal escapes, NUL, bidirectional overrides, zero-width and line characters become their escapes."""
    assert visible(hostile) == seen


@pytest.mark.parametrize(
    "plain", ["weights[0, 1] is 0.3", "فاطمة", "Björk", "注意力", "e\u0301", "🙂", "=1+1", "<b>", ""]
)
def test_ordinary_text_is_left_alone(plain):
    """Any script, accents, signs and markup are text."""
    assert visible(plain) == plain


def test_lines_and_tabs_stay_where_they_are_wanted():
    """A block of text keeps its lines, whichever way they end, but no lone carriage return."""
    assert visible("a\r\n\tb\rc", lines=True) == "a\n\tb\\rc"


def test_long_text_is_cut_and_the_rest_counted():
    """A flood of text does not flood the reader."""
    assert visible("x" * 5000, limit=3) == "xxx… (4,997 more characters)"
    assert visible("xxx", limit=3) == "xxx"
    assert visible("xxx\r\n", limit=4, lines=True) == "xxx\n"


@given(st.text())
def test_nothing_invisible_is_left(text):
    """Whatever the text, no control, format or surrogate character survives."""
    assert not {"Cc", "Cf", "Cs"} & {unicodedata.category(character) for character in visible(text)}


@given(st.text())
def test_a_slug_is_safe_in_any_file_system(text):
    """Whatever the name, its slug is a short run of lower-case ASCII letters, digits and hyphens."""
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", slug(text))


def test_a_slug_resembles_its_name():
    """Accents are dropped; a name without any Latin letter is a student."""
    assert [slug(name) for name in ("José Müller", "../../etc", "فاطمة")] == ["jose-muller", "etc", "student"]


def test_names_are_spoken_as_words():
    """Neither the section nor underscores are read."""
    assert spoken("scoring/masked_softmax") == "masked softmax"


def test_points_have_no_trailing_zeros():
    """Points are at most hundredths."""
    assert [number(points) for points in (20.0, 6.5, 1 / 3, 0.0, 100.0)] == ["20", "6.5", "0.33", "0", "100"]


def test_marks_count_what_is_worth_a_look_gravest_first():
    """Passed and failed need no mark beside the points."""
    found = ["missing", "passed", "timeout", "missing", "broken", "failed"]
    exercises = [ExerciseResult("s/x", status, 0.0, 1.0, 0.0, None, []) for status in found]
    found = marks(section_result("amber", "s", "full", 7, exercises))
    assert list(found.items()) == [("broken", "1 broken"), ("timeout", "1 timeout"), ("missing", "2 missing")]
