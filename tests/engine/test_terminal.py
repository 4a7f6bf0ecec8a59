"""Results as text: what students, instructors and authors read, and what no submission does to their terminal."""

from __future__ import annotations

import ast
import dataclasses
import io
import re
from types import SimpleNamespace

import pytest
from rich.cells import cell_len
from rich.console import Console

from headcheck.audit import ExerciseAudit, Row
from headcheck.differences import differences
from headcheck.language import speaking
from headcheck.progress import Standing
from headcheck.results import Counterexample, Diagnosis, ExerciseResult, PropertyResult, section_result
from headcheck.terminal import (
    audit_view,
    blank_view,
    builds_on_view,
    class_table,
    differences_view,
    exercise_view,
    hints_view,
    plain_text,
    progress_view,
    property_view,
    totals_view,
)

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
    assert "1 of 4 checks passed. 2 did not, of which this is the first. 1 skipped for now." in text
    assert text.endswith(" 3 hidden checks remain for grading.")


def test_everything_shows_every_check():
    """Failures first, then one line for each of the others."""
    text = one_line(exercise_view(RESULT, hidden_left=1, everything=True))
    places = [text.index(part) for part in ("Rows sum", "Lengths obeyed.", "passed Shape kept.", "skipped Empty rows.")]
    assert places == sorted(places)
    assert "beyond the book" in text
    assert text.endswith("1 skipped for now. 1 hidden check remains for grading.")


def test_a_failure_says_sentence_message_input_got_wanted_and_hint():
    """In the order in which a student needs them, matrices aligned and differing entries starred."""
    assert rendered(exercise_view(dataclasses.replace(RESULT, printed=""), hidden_left=0)) == (
        """\
scoring/masked_softmax  failed  1 of 4 points

  failed  Rows sum to one.  0/1

    row sums[0, 0] is 0.25, wanted 1

    scores  float32 (2, 2, 2)  rows: queries, columns: keys
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

  1 of 4 checks passed. 2 did not, of which this is the first. 1 skipped for now."""
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


def test_how_far_it_is_right_follows_the_mistake():
    """The first wrong step stands between the mistake's name and the check."""
    result = dataclasses.replace(RESULT, misconception=MISTAKE, first_wrong_step="Start with the mask.")
    text = one_line(exercise_view(result, hidden_left=0))
    places = [text.index(part) for part in (MISTAKE.message, "Start with the mask.", "Rows sum to one.")]
    assert places == sorted(places)


def test_what_reproduces_a_failure_can_be_copied():
    """A statement a line, not indented, and broken only where Python may be."""
    code = "from a.rather.long.name.of.a.module import AndARatherLongClass; "
    code += "import torch; print(f(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1, 2]), torch.tensor([5, 6])))"
    example = dataclasses.replace(SUMS.counterexample, reproduce=code)
    text = rendered(property_view(dataclasses.replace(SUMS, counterexample=example)), width=60)
    assert "To see it yourself, beside your own code" in text
    lines = text.split("beside your own code\n")[1].split("\n\n")[0]
    assert "AndARatherLongClass\nimport torch\nprint(" in lines
    assert ast.dump(ast.parse(lines)) == ast.dump(ast.parse(code))


def test_what_is_no_python_is_shown_as_it_is():
    """It may have been cut."""
    example = dataclasses.replace(SUMS.counterexample, reproduce="print(f(")
    assert "\nprint(f(\n" in rendered(property_view(dataclasses.replace(SUMS, counterexample=example)))


def test_hints_that_were_asked_for_are_numbered():
    """As many as were asked for, of as many as there are; an exercise without any says so."""
    text = one_line(exercise_view(RESULT, hidden_left=0, hints=("Think.", "Think again."), of=3))
    assert "Hint 1 of 3: Think. Hint 2 of 3: Think again." in text
    assert one_line(hints_view((), 0)) == "There are no further hints for this exercise."


@pytest.mark.parametrize("width", [30, 60])
def test_a_wide_matrix_is_shown_in_parts_of_its_columns(width):
    """No row is broken, and every number is there once."""
    wide = tensor([[float(1000 + column) for column in range(16)]], [1, 16])
    example = Counterexample({"X": wide}, {}, {})
    text = rendered(property_view(dataclasses.replace(SUMS, counterexample=example)), width=width)
    rows = [line for line in text.splitlines() if "[ " in line]
    assert len(rows) > 1
    assert all(line.endswith(" ]") for line in rows)
    assert [int(found) for found in re.findall(r"\b1\d\d\d\b", "".join(rows))] == list(range(1000, 1016))
    assert "columns 0 to" in text


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal(width):
    """At any usual width, colours or not."""
    plain = rendered(exercise_view(RESULT, hidden_left=3, everything=True), width=width)
    coloured = rendered(exercise_view(RESULT, hidden_left=3, everything=True), width=width, colour=True)
    assert max(map(len, plain.splitlines())) <= width
    lines = re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()
    assert [line.rstrip() for line in lines] == plain.splitlines()


# How far all is


def exercise(name, **rest):
    """An exercise as far as it is shown."""
    section, _, slug = name.partition("/")
    return SimpleNamespace(**{"id": name, "section": section, "slug": slug, "title": "A title", "weight": 1.0} | rest)


STANDINGS = [
    Standing(exercise("scoring/masked_softmax"), dataclasses.replace(RESULT, points=1.0)),
    Standing(exercise("scoring/additive_attention"), None),
    Standing(exercise("bonus/kernels"), None),
]
SECTIONS = {"scoring": "Scoring", "bonus": "Bonus"}


def test_progress_is_a_line_an_exercise_by_section():
    """Of a section that was not begun only the title, unless everything is wanted."""
    lines = [line.split() for line in rendered(progress_view(STANDINGS, SECTIONS, everything=False)).splitlines()]
    assert lines == [
        ["Scoring", "0", "of", "2"],
        ["masked_softmax", "in", "work", "1/4"],
        ["additive_attention", "not", "begun"],
        ["Bonus", "not", "begun", "0", "of", "1"],
    ]
    assert "kernels" in rendered(progress_view(STANDINGS, SECTIONS, everything=True))
    assert one_line(totals_view(STANDINGS)) == "0 of 3 exercises pass. 1 in work. 2 not begun. 1 point so far."


def test_what_an_exercise_builds_on_is_said_when_it_is_not_right():
    """The first that is not, failed or not begun; a plain word where all are."""
    passed = ExerciseResult("a/b", "passed", 1.0, 1.0, 0.1, None, [claim("shape_kept")])
    right = Standing(exercise("a/b"), passed)
    assert "scoring/masked_softmax, which does not pass: look there first" in one_line(builds_on_view(STANDINGS[:1]))
    assert "builds on bonus/kernels, which is not begun: start there" in one_line(builds_on_view([right, STANDINGS[2]]))
    assert one_line(builds_on_view([right])) == "It builds on a/b, which passes."
    assert one_line(builds_on_view([right, right])) == "It builds on a/b, a/b, which pass."


def test_an_exercise_that_was_not_begun_says_where_to_begin():
    """Its file, the sentence and the hint of its first check, and what there is to earn."""
    first = SimpleNamespace(sentence="It answers.", worth=SimpleNamespace(points=1, hint="Return something."))
    text = one_line(blank_view(exercise("a/b", weight=2.0), "assignments/a/b.py", [first, first]))
    assert text == (
        "a/b not begun 0 of 4 points A title Open assignments/a/b.py: its text says what to write. "
        "The first of its checks: It answers. Hint: Return something."
    )
    assert "Its check: It answers." in one_line(blank_view(exercise("a/b"), "b.py", [first]))


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
        ["at", "most", "4", "2", "6"],
        ["amber", "1", "1t", "0.5", "1.5"],
        ["chidi", "1", "-", "1"],
        [],
        ["2", "students"],
        ["t", "timeout"],
    ]


@pytest.mark.parametrize("width", [80, 96])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_points_of_a_class_are_whole_where_it_is_narrow(width, language):
    """Of eight sections, beside long and wide names; titles are cut instead, and marks stand above."""
    sections = [f"section_of_the_course_{number}" for number in range(8)]
    late = [dataclasses.replace(RESULT, status=status) for status in ("timeout", "crashed", "missing", "missing")]
    names = ["student0001", "Björk Guðmundsdóttir", "一名名字很长很长的学生"]
    results = [
        dataclasses.replace(section_result(name, section, "full", 7, late), points=178.5 + place, max_points=203.5)
        for name in names
        for place, section in enumerate(sections)
    ]
    with speaking(language):
        lines = rendered(class_table(results, {}), width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    points = [line.split()[-9:] for line in lines]
    assert points.count([*(f"{178.5 + place}" for place in range(8)), "1456"]) == len(names)
    assert points.count([*["203.5"] * 8, "1628"]) == 1
    assert " ".join(lines).count("1t 1c") + " ".join(lines).count("1c 1t") == 8 * len(names)


def test_what_a_person_has_yet_to_judge_stands_below_the_class():
    """Of the sections that were graded only."""
    awaiting = {"scoring": "2 written answers (5 points)", "bonus": "1 written answer (3 points)"}
    text = one_line(class_table([section_result("amber", "scoring", "full", 7, [RESULT])], awaiting))
    assert "Awaiting a person, and not in the points: 2 written answers (5 points) in scoring" in text
    assert "bonus" not in text


def handed_in(student, *properties, status="failed"):
    """One exercise of a student, as the result of its section."""
    points, most = sum(each.points for each in properties), sum(each.max_points for each in properties)
    result = ExerciseResult("scoring/masked_softmax", status, points, most, 0.1, None, list(properties))
    return section_result(student, "scoring", "full", 7, [result])


def test_differences_are_a_table_of_who_loses_and_gains_and_by_what():
    """Who loses comes first; exercises and checks are named by how they ended before and end now."""
    right = [claim("rows_sum_to_one"), claim("padding_gets_no_weight")]
    half = [claim("rows_sum_to_one"), claim("padding_gets_no_weight", "failed")]
    new = [*right, claim("it_is_new", "failed")]
    before = [
        handed_in("amber", *half), handed_in("bruno", *right, status="passed"),
        handed_in("chidi", claim("rows_sum_to_one", "missing"), status="missing"), handed_in("dana", *right),
        handed_in("erin", *right), handed_in("gone", *half),
    ]  # fmt: skip
    after = [
        handed_in("amber", *right, status="passed"), handed_in("bruno", *half), handed_in("chidi", *half),
        handed_in("dana", *new), handed_in("erin", *right), handed_in("zoe", *half),
    ]  # fmt: skip
    lines = [" ".join(line.split()) for line in rendered(differences_view(differences(before, after))).splitlines()]
    assert lines == [
        "Points in scoring/masked_softmax: 2 instead of 1",
        "Points in scoring/masked_softmax: 3 instead of 2",
        "",
        "student points change what changed",
        "bruno 2 → 1 -1 scoring/masked_softmax 2 → 1 passed → failed",
        "passed → failed Padding gets no weight.",
        "amber 1 → 2 +1 scoring/masked_softmax 1 → 2 failed → passed",
        "failed → passed Padding gets no weight.",
        "chidi 0 → 1 +1 scoring/masked_softmax 0 → 1 missing → failed",
        "dana 2 0 scoring/masked_softmax 2",
        "new → failed It is new.",
        "gone 1 gone",
        "zoe 1 new",
        "",
        "Points lost: 1, by 1 student. Points gained: 2, by 2 students. Changed otherwise: 3 students.",
        "Unchanged: 1 student.",
    ]


def test_checks_and_exercises_that_are_gone_are_said_to_be():
    """With the points that went with them."""
    before = [handed_in("amber", claim("rows_sum_to_one"), claim("it_was_there"))]
    same = dataclasses.replace(before[0], exercises=[])
    assert "scoring/masked_softmax 2 gone" in one_line(differences_view(differences(before, [same])))
    after = [handed_in("amber", claim("rows_sum_to_one"))]
    assert "gone It was there." in one_line(differences_view(differences(before, after)))


def test_points_without_a_check_that_ended_otherwise_are_one_line():
    """As those of an exercise that weighs more now."""
    before, after = ([handed_in("amber", claim("sums", worth=worth), status="passed")] for worth in (1.0, 3.0))
    assert [" ".join(line.split()) for line in rendered(differences_view(differences(before, after))).splitlines()] == [
        "Points in scoring/masked_softmax: 3 instead of 1",
        "",
        "student points change what changed",
        "amber 1 → 3 +2 scoring/masked_softmax 1 → 3",
        "",
        "Points gained: 2, by 1 student. Unchanged: 0 students.",
    ]


def test_what_another_worth_does_not_change_for_anybody_is_said_all_the_same():
    """Of a check by its sentence; and where nothing changed, that."""
    before, after = (
        [handed_in("amber", claim("sums", "failed", worth=worth), claim("zeros", "failed"))] for worth in (1.0, 3.0)
    )
    assert one_line(differences_view(differences(before, after))) == (
        "Points in scoring/masked_softmax: 4 instead of 2 "
        "Points in scoring/masked_softmax: 3 instead of 1, for this: Sums. Unchanged: 1 student."
    )
    assert one_line(differences_view(differences(after, after))).startswith("No differences:")


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
    before = [section_result(HOSTILE, HOSTILE, "full", 7, [result])]
    heavier = dataclasses.replace(
        result, points=1.0, properties=[dataclasses.replace(bad, outcome="passed", max_points=2)]
    )
    after = [section_result(HOSTILE, HOSTILE, "full", 7, [heavier])]
    return {
        "exercise": exercise_view(result, hidden_left=1, everything=True),
        "class": class_table(before, {}),
        "audit": audit_view(audited),
        "differences": differences_view(differences(before, after)),
    }


@pytest.mark.parametrize("name", ["exercise", "class", "audit", "differences"])
def test_hostile_text_reaches_no_terminal(name):
    """Neither markup nor an escape sequence, a bidirectional override, NUL or an emoji code is acted upon."""
    view = hostile_views()[name]
    plain = rendered(view, width=1000)
    assert r"[bold red]x[/]\x1b[2J\x1b]8;;http://evil\x07\u202e\x00:skull:" in plain
    assert not set(plain) & {"\x1b", "\x07", "\u202e", "\x00"}
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", rendered(view, width=1000, colour=True))
    assert [line.rstrip() for line in coloured.splitlines()] == plain.splitlines()
