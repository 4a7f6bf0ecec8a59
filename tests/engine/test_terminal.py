"""Results as text: what students, instructors and authors read, and what no submission does to their terminal."""

from __future__ import annotations

import dataclasses
import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from headcheck.audit import ExerciseAudit, Row
from headcheck.results import Counterexample, Diagnosis, ExerciseResult, PropertyResult, section_result
from headcheck.terminal import audit_view, class_table, exercise_view, plain_text

HOSTILE = "[bold red]x[/]\x1b[2J\x1b]8;;http://evil\x07\u202e\x00:skull:"
KEY = ". passed x failed s skipped t timeout c crashed B broken - not run"
MISTAKE = Diagnosis("mask_after_softmax", "You multiplied the finished weights by the mask. When should the mask act?")


def tensor(values, shape, dtype="float32"):
    """A tensor as a counterexample holds it."""
    return {"dtype": dtype, "shape": shape, "values": values}


def claim(name, outcome="passed", *, worth=1.0, **rest):
    """One property's result; its sentence is its name, spoken."""
    rest = {"visibility": "public", "group": "core", "sentence": f"{name.replace('_', ' ').capitalize()}."} | rest
    earned = worth if outcome == "passed" else 0.0
    return PropertyResult(name, outcome=outcome, points=earned, max_points=worth, **rest)


SUMS = claim(
    "rows_sum_to_one",
    "failed",
    message="row sums[0, 0] is 0.25, wanted 1",
    hint="Mask before the softmax, not after it.",
    counterexample=Counterexample(
        {
            "scores": tensor([[[1, 9], [0, 3]], [[-3, -1], [2, 0]]], [2, 2, 2]),
            "valid_lens": tensor([1, 2], [2], "int64"),
        },
        {"row sums": tensor([[0.25, 0.0474], [1.0, 1.0]], [2, 2])},
        {"row sums": tensor([[1.0, 1.0], [1.0, 1.0]], [2, 2])},
    ),
)
OTHER = claim("lengths_obeyed", "failed", message="weights[0] is nan, wanted 0", hint="Look at the last row.")
ROBUST = claim("empty_rows", "skipped", group="robust", message="first things first")
RESULT = ExerciseResult(
    "scoring/masked_softmax",
    "failed",
    1.0,
    4.0,
    0.4,
    None,
    [claim("shape_kept"), SUMS, OTHER, ROBUST],
    printed="here\n",
)


def rendered(view, *, width=100, colour=False) -> str:
    """What a terminal of this width gets."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(view)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def one_line(view) -> str:
    """The text, unwrapped."""
    return " ".join(rendered(view, width=1000).split())


def test_the_first_failure_is_shown_alone():
    """One thing at a time: the first failing check and how many there are."""
    text = one_line(exercise_view(RESULT, hidden_left=3))
    assert "Rows sum to one." in text
    assert "Lengths obeyed." not in text
    assert "1 of 4 checks passed; 2 did not, of which this is the first; 1 skipped for now;" in text
    assert text.endswith("; 3 hidden checks remain for grading.")


def test_everything_shows_every_check():
    """Failures first, then one line for each of the others."""
    text = one_line(exercise_view(RESULT, hidden_left=1, everything=True))
    places = [text.index(part) for part in ("Rows sum", "Lengths obeyed.", "passed Shape kept.", "skipped Empty rows.")]
    assert places == sorted(places)
    assert "beyond the book" in text
    assert text.endswith("1 skipped for now; 1 hidden check remains for grading.")


def test_a_failure_says_sentence_message_input_got_wanted_and_hint():
    """In the order in which a student needs them, matrices aligned and differing entries starred."""
    assert rendered(exercise_view(dataclasses.replace(RESULT, printed=""), hidden_left=0)) == (
        """\
scoring/masked_softmax  failed  1 of 4 points

  failed  Rows sum to one.  0/1

    row sums[0, 0] is 0.25, wanted 1

    scores  float32 (2, 2, 2)
    [0] [   1   9 ]
        [   0   3 ]
    [1] [  -3  -1 ]
        [   2   0 ]

    valid_lens  int64 (2)  [  1  2 ]

    got row sums  float32 (2, 2)    wanted row sums  float32 (2, 2)
    [ *0.25 *0.0474 ]               [ *1 *1 ]
    [     1       1 ]               [  1  1 ]

    * differs

    Hint: Mask before the softmax, not after it.

  1 of 4 checks passed; 2 did not, of which this is the first; 1 skipped for now."""
    )


def test_the_mistake_by_name_comes_first():
    """A misconception's message stands before the checks."""
    text = one_line(exercise_view(dataclasses.replace(RESULT, misconception=MISTAKE), hidden_left=0))
    assert text.startswith(f"scoring/masked_softmax failed 1 of 4 points {MISTAKE.message} failed Rows")


def test_what_the_code_printed_is_shown():
    """Students debug by printing."""
    assert "Your code printed:\n    here\n" in rendered(exercise_view(RESULT, hidden_left=0))


def test_what_there_is_to_note_is_shown():
    """A student who checks a notebook sees what was left out of it."""
    text = rendered(exercise_view(dataclasses.replace(RESULT, notes=["cell 1: `!ls` was left out"]), hidden_left=0))
    assert "To note:\n    cell 1: `!ls` was left out" in text


def test_a_narrow_terminal_stacks_got_over_wanted():
    """Nothing is lost at 40 columns."""
    text = rendered(exercise_view(RESULT, hidden_left=0), width=40)
    assert text.index("[ *0.25 *0.0474 ]") < text.index("wanted row sums") < text.index("[ *1 *1 ]")


def test_a_passed_exercise_is_short():
    """Title and count."""
    passed = ExerciseResult("scoring/masked_softmax", "passed", 1.0, 1.0, 0.1, None, [claim("shape_kept")])
    assert one_line(exercise_view(passed, hidden_left=0)) == (
        "scoring/masked_softmax passed 1 of 1 points 1 of 1 check passed."
    )


def test_a_large_tensor_and_left_out_matrices_are_said():
    """A counterexample fits on a screen."""
    many = tensor([[[0]]] * 10, [10, 1, 1])
    example = Counterexample({"X": {"dtype": "float32", "shape": [40, 40]}, "batch": many}, {}, {})
    result = dataclasses.replace(RESULT, properties=[dataclasses.replace(SUMS, counterexample=example)])
    text = one_line(exercise_view(result, hidden_left=0))
    assert "X float32 (40, 40) too large to show" in text
    assert "and 2 more" in text


def test_the_class_is_a_row_a_student_sorted_with_totals_and_marks():
    """Sections are columns; what was not handed in is a dash."""
    slow = ExerciseResult("multihead/head_reshape", "timeout", 0.5, 2.0, 5.0, None, [])
    results = [
        section_result("chidi", "scoring", "full", 7, [RESULT]),
        section_result("amber", "scoring", "full", 7, [RESULT]),
        section_result("amber", "multihead", "full", 7, [slow]),
    ]
    assert [line.split() for line in rendered(class_table(results, {})).splitlines()] == [
        ["student", "scoring", "multihead", "total"],
        ["amber", "1/4", "0.5/2", "1", "timeout", "1.5"],
        ["chidi", "1/4", "-", "1"],
        [],
        ["2", "students"],
    ]


def test_what_a_person_has_yet_to_judge_stands_below_the_class():
    """Of the sections that were graded only."""
    awaiting = {"scoring": "2 written answers (5 points)", "bonus": "1 written answer (3 points)"}
    text = one_line(class_table([section_result("amber", "scoring", "full", 7, [RESULT])], awaiting))
    assert "Awaiting a person, and not in the points: 2 written answers (5 points) in scoring" in text
    assert "bonus" not in text


def test_a_view_is_plain_text_where_nothing_else_can_be_shown():
    """Lines of at most that width, without colours and trailing spaces."""
    text = plain_text(exercise_view(RESULT, hidden_left=0), width=60)
    assert "\x1b" not in text
    assert all(line == line.rstrip() and len(line) <= 60 for line in text.split("\n"))
    assert RESULT.exercise in text


def test_a_class_graded_without_a_sandbox_is_said_to_be():
    """The instructor must know before trusting the points."""
    assert "without a sandbox" in one_line(
        class_table([section_result("amber", "scoring", "process", 7, [RESULT])], {})
    )


def an_audit(findings: list[str]) -> ExerciseAudit:
    """Three properties, five solutions."""
    names = ["scores_become_weights", "rows_sum_to_one", "it_learns"]

    def row(kind, name, outcomes):
        return Row(kind, name, [claim(prop, outcome) for prop, outcome in zip(names, outcomes, strict=False)])

    rows = [
        row("stub", "masked_softmax", ["failed", "skipped", "skipped"]),
        row("reference", "masked_softmax", ["passed"] * 3),
        row("misconception", "mask_after_softmax", ["passed", "failed"]),
        row("misconception", "lengths_ignored", ["passed", "broken", "timeout"]),
    ]
    return ExerciseAudit(SimpleNamespace(id="scoring/masked_softmax"), names, rows, findings)


def test_an_audit_is_a_matrix_with_a_legend():
    """A letter a property, a row a solution, its kind said once."""
    lines = [line.split() for line in rendered(audit_view(an_audit([]))).splitlines() if line]
    assert lines == [
        ["scoring/masked_softmax"],
        ["a", "scores_become_weights"],
        ["b", "rows_sum_to_one"],
        ["c", "it_learns"],
        KEY.split(),
        ["abc"],
        ["stub", "xss", "0", "masked_softmax"],
        ["reference", "...", "3", "masked_softmax"],
        ["misconception", ".x-", "1", "mask_after_softmax"],
        [".Bt", "1", "lengths_ignored"],
        ["no", "findings"],
    ]


def test_findings_are_red():
    """Each on a line of its own, below the matrix."""
    text = rendered(audit_view(an_audit(["the stub earns 1 point"])), colour=True)
    assert re.search(r"\x1b\[31mfinding: the stub earns 1 point", text)
    assert "no findings" not in text


def hostile_views():
    """Every view, with hostile text wherever text can be."""
    value = {HOSTILE: {"dtype": HOSTILE, "shape": [1], "values": [HOSTILE]}, "text": HOSTILE}
    example = Counterexample(value, value, {"text": HOSTILE})
    bad = claim("x", "failed", sentence=HOSTILE, message=HOSTILE, hint=HOSTILE, counterexample=example)
    result = ExerciseResult(HOSTILE, "failed", 0.0, 1.0, 0.1, Diagnosis("x", HOSTILE), [bad], printed=HOSTILE)
    audited = ExerciseAudit(SimpleNamespace(id=HOSTILE), [HOSTILE], [Row("bank", HOSTILE, [bad])], [HOSTILE])
    return {
        "exercise": exercise_view(result, hidden_left=1, everything=True),
        "class": class_table([section_result(HOSTILE, HOSTILE, "full", 7, [result])], {}),
        "audit": audit_view(audited),
    }


@pytest.mark.parametrize("name", ["exercise", "class", "audit"])
def test_hostile_text_reaches_no_terminal(name):
    """Neither markup nor an escape sequence, a bidirectional override, NUL or an emoji code is acted upon."""
    view = hostile_views()[name]
    plain = rendered(view, width=1000)
    assert r"[bold red]x[/]\x1b[2J\x1b]8;;http://evil\x07\u202e\x00:skull:" in plain
    assert not set(plain) & {"\x1b", "\x07", "\u202e", "\x00"}
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", rendered(view, width=1000, colour=True))
    assert coloured == plain
