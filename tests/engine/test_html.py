"""The report: what an instructor reads of a class, and what a hostile submission cannot write into it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from headcheck.html import render_report
from headcheck.results import Counterexample, Diagnosis, ExerciseResult, PropertyResult, SectionResult, section_result

SECTIONS = {"scoring": "Attention scoring functions (10.3)", "multihead": "Multi-head attention (10.5)"}
AWAITING = {"scoring": "2 written answers (5 points)", "bonus": "1 written answer (3 points)"}
MASKED = Diagnosis(
    "mask_after_softmax",
    "You multiplied the finished weights by the mask, so what is left of a row no longer sums to 1. "
    "When should the mask act?",
)
SCALED = Diagnosis("scaled_by_the_values", "You divided by the root of the value width. Whose width is summed over?")
HOSTILE = "<script>alert(1)</script>\u202e\x1b]8;;http://evil\x07\x00=HYPERLINK()\"'&"


def tensor(values, dtype="float32"):
    """Nested lists as a counterexample holds a tensor."""
    shape, inner = [], values
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0]
    return {"dtype": dtype, "shape": shape, "values": values}


def claim(name, sentence, outcome="passed", worth=1.0, **rest):
    """One property's result."""
    earned = worth if outcome == "passed" else 0.0
    rest = {"visibility": "public", "group": "core", "sentence": sentence} | rest
    return PropertyResult(name, outcome=outcome, points=earned, max_points=worth, **rest)


def exercise(name, status, properties, misconception=None, **rest):
    """One exercise's result, its points summed."""
    points, most = sum(p.points for p in properties), sum(p.max_points for p in properties)
    return ExerciseResult(name, status, points, most, 0.4, misconception, properties, **rest)


SHAPE = claim("scores_become_weights", "Scores go in, and weights of the same shape come out.")
ZEROS = claim("padded_positions_get_no_weight", "Positions past the valid length get a weight of exactly 0.", worth=1.5)
SUMS = claim(
    "rows_sum_to_one",
    "The weights of a row are not negative and sum to 1.",
    "failed",
    message="row sums[0, 0] is 0.00033535, wanted 1",
    hint="Mask before the softmax, not after it: then the valid keys share the whole weight of 1.",
    counterexample=Counterexample(
        {"scores": tensor([[[1, 9], [0, 3]], [[-3, -1], [2, 0]]]), "valid_lens": tensor([1, 2], "int64")},
        {"row sums": tensor([[0.00033535, 0.0474], [1.0, 1.0]])},
        {"row sums": tensor([[1.0, 1.0], [1.0, 1.0]])},
    ),
)
EMPTY = claim(
    "rows_without_keys_get_no_weight",
    "A row of length 0 gets zeros, and the others the softmax of their valid keys.",
    "failed",
    group="robust",
    visibility="hidden",
    message="weights[0, 0, 0] is nan, wanted 0",
    hint="The softmax of nothing is 0/0. Which weights say that there is nothing to look at?",
    counterexample=Counterexample(
        {"scores": tensor([[[9.0, 9.0, 9.0], [-2.0, 0.5, 3.0]]]), "valid_lens": tensor([[0, 3]], "int64")},
        {"weights": tensor([[["nan", "nan", "nan"], [0.0063, 0.0756, 0.9181]]])},
        {"weights": tensor([[[0.0, 0.0, 0.0], [0.0063, 0.0756, 0.9181]]])},
    ),
)
LARGE = claim(
    "all_heads_are_used",
    "Each head has columns of its own in the output.",
    "failed",
    worth=2,
    message="output[0, 0, 3] is 0.731, wanted -0.2",
    hint="After the reshape, the head axis comes before the tokens.",
    counterexample=Counterexample(
        {"X": {"dtype": "float32", "shape": [4, 32, 64]}, "num_heads": 4, "bias": False},
        {"output": tensor([[0.731, -0.5, 1.2, -1.1]])},
        {"output": tensor([[-0.2, -0.5, 1.2, 0.4]])},
    ),
)
LOOP = claim("it_learns", "Training lowers the loss.", "timeout", worth=2, message="no answer within 5 s")
LATER = claim("later", "The gradient is the derivative.", "skipped", message="training runs last")
OURS = claim("broke", "The weights are those of the reference.", "broken", message="it failed on the reference")


def a_class() -> list[SectionResult]:
    """Six students: right, mistaken in one way or two, slow, absent, and unlucky with our own mistakes."""
    right = [SHAPE, ZEROS, *(dataclasses.replace(p, outcome="passed", points=1.0) for p in (SUMS, EMPTY))]
    good = exercise("scoring/masked_softmax", "passed", right)
    mistaken = [SHAPE, ZEROS, SUMS, EMPTY, LATER]
    masked = exercise("scoring/masked_softmax", "failed", mistaken, MASKED, printed="tensor([[1., 9.]])\n")
    slow = exercise("scoring/dot_product_attention", "timeout", [SHAPE, LOOP, LATER])
    scaled = exercise("scoring/dot_product_attention", "failed", [SHAPE, dataclasses.replace(SUMS, hint="")], SCALED)
    dot = exercise("scoring/dot_product_attention", "passed", [SHAPE])
    heads = exercise("multihead/head_reshape", "failed", [SHAPE, LARGE])
    ours = exercise("multihead/head_reshape", "broken", [SHAPE, OURS], notes=["graded without its training data"])
    absent = dataclasses.replace(LARGE, outcome="missing", counterexample=None)
    gone = exercise("multihead/head_reshape", "missing", [absent])
    fine = exercise("multihead/head_reshape", "passed", [SHAPE])
    return [
        section_result(student, section, "full", 7, exercises)
        for student, section, exercises in [
            ("dmitri", "scoring", [masked, slow]),
            ("amber", "scoring", [good, dot]),
            ("amber", "multihead", [fine]),
            ("chidi", "scoring", [masked, scaled]),
            ("chidi", "multihead", [gone]),
            ("Björk Guðmundsdóttir", "scoring", [good, scaled]),
            ("Björk Guðmundsdóttir", "multihead", [heads]),
            ("dmitri", "multihead", [ours]),
            ("esra", "scoring", [masked, dot]),
            ("فاطمة", "multihead", [fine]),
        ]
    ]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The report of that class."""
    return render_report(a_class(), SECTIONS, AWAITING)


@pytest.fixture(scope="module")
def hostile_pages() -> dict[str, str]:
    """The report of one submission in which every text is hostile."""
    value = {HOSTILE: {"dtype": HOSTILE, "shape": [1], "values": [HOSTILE]}, "text": HOSTILE}
    example = Counterexample(value, value, {"text": HOSTILE})
    bad = claim("x", HOSTILE, "failed", message=HOSTILE, hint=HOSTILE, counterexample=example)
    one = exercise(f"{HOSTILE}/x", "failed", [bad], Diagnosis(HOSTILE, HOSTILE), printed=HOSTILE, notes=[HOSTILE])
    return render_report([section_result(HOSTILE, HOSTILE, "process", 7, [one])], {}, {})


class Tags(HTMLParser):
    """The elements of a page, and whether each is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def words(page: str) -> str:
    """What a reader sees of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2]).split())


def test_there_is_an_overview_and_one_page_a_student_sorted_by_name(pages):
    """Pages are numbered in the order of the names, whatever the order of the results."""
    assert list(pages) == [
        "index.html",
        "students/1-amber.html",
        "students/2-bjork-gumundsdottir.html",
        "students/3-chidi.html",
        "students/4-dmitri.html",
        "students/5-esra.html",
        "students/6-student.html",
    ]


def test_the_overview_links_to_every_student(pages):
    """Each student's row leads to their page."""
    assert re.findall(r'<a href="(students/[^"]*)">', pages["index.html"]) == list(pages)[1:]


def test_the_overview_counts_students_and_submissions(pages):
    """A submission is one section of one student."""
    assert "6 students, 10 submissions. Sandbox: full." in words(pages["index.html"])


def test_the_overview_shows_points_totals_and_what_went_wrong(pages):
    """A row holds the points of each section, marks of what needs a look, and the total."""
    row = words("<body>" + re.search(r"<tr><th[^>]*><a[^>]*>dmitri.*?</tr>", pages["index.html"], re.DOTALL)[0])
    assert row == "dmitri 1 timeout 3.5 1 broken 1 4.5"


def test_a_section_without_a_submission_is_said_to_have_none(pages):
    """Nothing handed in is not the same as no points."""
    assert "esra 3.5 none 3.5" in words(pages["index.html"])


def test_the_overview_shows_how_many_passed_and_the_common_mistakes(pages):
    """An exercise lists its most frequent misconceptions first, with their numbers."""
    text = words(pages["index.html"])
    assert "masked softmax scoring/masked_softmax 40 % passed, 2 of 5 3\u00d7 mask after softmax You multiplied" in text
    assert "scoring/dot_product_attention 40 % passed, 2 of 5 2\u00d7 scaled by the values You divided" in text


def test_a_missing_exercise_is_one_line(pages):
    """Not a line and a hint for each of its checks."""
    (page,) = (page for path, page in pages.items() if path.endswith("-chidi.html"))
    missing = words(page).partition("head reshape missing")[2]
    assert f"{LARGE.message}; none of its checks could be run" in missing
    assert LARGE.sentence not in missing


def test_what_a_person_has_yet_to_judge_is_said(pages):
    """For the class and to each student, of the sections that were graded, and apart from the points."""
    said = "2 written answers (5 points)"
    assert f"Awaiting a person, and not in the points: {said} in {SECTIONS['scoring']}." in words(pages["index.html"])
    assert f"{said} awaiting a person" in words(pages["students/5-esra.html"])
    assert not any("1 written answer" in page for page in pages.values())


def test_a_weak_sandbox_is_warned_of_where_it_was_used(pages):
    """The overview warns when any submission was graded in a plain process, and so do that student's pages."""
    weak = [dataclasses.replace(result, sandbox="process") for result in a_class() if result.student == "esra"]
    mixed = render_report([*(result for result in a_class() if result.student != "esra"), *weak], SECTIONS, {})
    assert [path for path in mixed if "without a sandbox" in mixed[path]] == ["index.html", "students/5-esra.html"]
    assert not any("without a sandbox" in page for page in pages.values())


def test_sections_stand_in_the_order_of_the_course(pages):
    """The titles are the course's."""
    headers = re.findall(r'<th scope="col">(.*?)<', pages["index.html"])
    assert [header.strip() for header in headers] == ["Student", *SECTIONS.values(), "Total"]


def test_an_empty_class_is_a_page_too():
    """No results are no error."""
    assert "0 students, 0 submissions." in words(render_report([], SECTIONS, {})["index.html"])


def test_the_misconception_comes_before_the_checks(pages):
    """The mistake by name is the first thing under an exercise."""
    text = words(pages["students/5-esra.html"])
    assert "masked softmax failed 2.5 / 5.5 You multiplied" in text


def test_a_failed_check_shows_what_a_student_needs(pages):
    """Sentence, points, message, inputs, got, wanted, and the hint, in this order."""
    text = words(pages["students/5-esra.html"])
    parts = ["0.0003353", "wanted", "Hint", SUMS.hint]
    parts = [SUMS.sentence, "0 / 1", SUMS.message, "scores", "valid_lens", "got", *parts]
    assert re.search(".*".join(map(re.escape, parts)), text)


def test_differing_cells_carry_a_sign_beside_their_colour(pages):
    """A reader who sees no colour sees which cells differ."""
    assert pages["students/5-esra.html"].count('off"><span class="sign">✗</span>') == 2 + 3


def test_cells_are_shaded_by_their_value(pages):
    """The largest number of a tensor is the darkest, its sign the hue, and NaN is hatched."""
    page = pages["students/5-esra.html"]
    assert '<td class="p5">9</td>' in page
    assert '<td class="n2">-3</td>' in page
    assert '<td class="odd off"><span class="sign">✗</span>nan</td>' in page


def test_robust_checks_stand_under_their_own_heading(pages):
    """What the book does not ask for is said to be beyond it."""
    text = words(pages["students/5-esra.html"])
    assert text.index("Beyond the book") < text.index(EMPTY.sentence)
    assert text.index(SUMS.sentence) < text.index("Beyond the book")


def test_a_batch_is_one_labelled_matrix_an_example(pages):
    """Three axes become a row of matrices."""
    assert "<caption>[0]</caption>" in pages["students/5-esra.html"]
    assert "<caption>[1]</caption>" in pages["students/5-esra.html"]


def test_a_large_tensor_is_one_line(pages):
    """Its dtype and shape are said, its numbers not."""
    assert "X float32 (4, 32, 64) too large to show" in words(pages["students/2-bjork-gumundsdottir.html"])


def test_printed_text_and_notes_are_shown(pages):
    """What the code printed keeps its lines; notes are for the instructor."""
    assert "<pre>tensor([[1., 9.]])\n</pre>" in pages["students/5-esra.html"]
    assert "Notes for the instructor graded without its training data" in words(pages["students/4-dmitri.html"])


def test_every_page_is_well_formed_and_whole_in_itself(pages, hostile_pages):
    """Every element is closed; there is no script, no handler, no inline style attribute, and nothing is loaded."""
    for page in (*pages.values(), *hostile_pages.values()):
        tags = Tags(page)
        assert tags.open == []
        assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(tags.names)
        assert not any(name.startswith("on") or name in {"style", "src"} for name, _ in tags.attributes)
        assert all(value.endswith(".html") and "//" not in value for name, value in tags.attributes if name == "href")
        assert "url(" not in page
        assert "@import" not in page


def test_only_our_style_may_load(pages):
    """The policy forbids everything but the style sheet with this hash."""
    for page in pages.values():
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"default-src 'none'; style-src 'sha256-{digest}';" in page


def test_hostile_text_stays_text(hostile_pages):
    """Tags are escaped, quotes close no attribute, and nothing invisible or reordering is left."""
    for page in hostile_pages.values():
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert not set(page) & {"\u202e", "\x1b", "\x07", "\x00"}
        assert r"\u202e\x1b]8;;http://evil\x07\x00" in page
    assert list(hostile_pages)[1].startswith("students/1-script-alert-1-script-8-http-evil")


def test_file_names_come_from_safe_characters_only():
    """A name that climbs directories, or has no safe character, gets a page of its own all the same."""
    names = ["../../etc/passwd", "", "a" * 300, "\u202e", "CON", "a/b\\c:d"]
    found = render_report([section_result(name, "scoring", "full", 7, []) for name in names], SECTIONS, {})
    assert len(found) == len(names) + 1
    assert all(re.fullmatch(r"students/\d+-[a-z0-9-]{1,40}\.html", path) for path in list(found)[1:])


def test_tables_and_headings_are_accessible(pages):
    """Header cells have a scope, headings descend one level at a time, and the language is said."""
    for page in pages.values():
        assert '<html lang="en">' in page
        assert "<th>" not in page
        levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
