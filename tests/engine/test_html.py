"""The report: what an instructor reads of a class, and what a hostile submission cannot write into it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import posixpath
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from markupsafe import escape

from headcheck.html import BLOCK, SHOWN, render_check, render_exercise, render_similar, report_pages
from headcheck.language import ENGLISH, speak
from headcheck.results import (
    Counterexample,
    Curve,
    Diagnosis,
    ExerciseResult,
    PropertyResult,
    SectionResult,
    section_result,
)
from headcheck.similarity import LeftOut, Pair, Side, Silence, Similarities
from headcheck.text import visible

SECTIONS = {"scoring": "Attention scoring functions (10.3)", "multihead": "Multi-head attention (10.5)"}
AWAITING = {"scoring": "2 written answers (5 points)", "bonus": "1 written answer (3 points)"}
MASKED = Diagnosis(
    "mask_after_softmax",
    "You multiplied the finished weights by the mask, so what is left of a row no longer sums to 1. "
    "When should the mask act?",
)
SCALED = Diagnosis("scaled_by_the_values", "You divided by the root of the value width. Whose width is summed over?")
NAMES = {"scoring/masked_softmax": "Masked softmax", "multihead/head_reshape": "Heads into the batch and back"}
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
TRAINED = claim(
    "it_recalls",
    "After 200 steps it recalls.",
    worth=3,
    curves=[
        Curve("the loss", [2.0, 0.5, 0.02], [2.0, 0.4, 0.01]),
        Curve("the share that it has right,", [0.3, 0.9, 0.97], [0.3, 0.95, 0.99], at_least=0.95),
        Curve("the error", [0.125], [0.0625], at_most=0.25),
    ],
)
LATER = claim("later", "The gradient is the derivative.", "skipped", message="training runs last")
OURS = claim("broke", "The weights are those of the reference.", "broken", message="it failed on the reference")


def a_class() -> list[SectionResult]:
    """Six students: right, mistaken in one way or two, slow, absent, and unlucky with our own mistakes."""
    right = [SHAPE, ZEROS, *(dataclasses.replace(p, outcome="passed", points=1.0) for p in (SUMS, EMPTY))]
    good = exercise("scoring/masked_softmax", "passed", right)
    mistaken = [SHAPE, ZEROS, SUMS, EMPTY, LATER]
    steps = "Right so far: the scores. The first step that goes wrong: the mask."
    printed = "tensor([[1., 9.]])\n"
    masked = exercise("scoring/masked_softmax", "failed", mistaken, MASKED, printed=printed, first_wrong_step=steps)
    slow = exercise("scoring/dot_product_attention", "timeout", [SHAPE, LOOP, LATER])
    scaled = exercise("scoring/dot_product_attention", "failed", [SHAPE, dataclasses.replace(SUMS, hint="")], SCALED)
    dot = exercise("scoring/dot_product_attention", "passed", [SHAPE])
    heads = exercise("multihead/head_reshape", "failed", [SHAPE, LARGE])
    ours = exercise("multihead/head_reshape", "broken", [SHAPE, OURS], notes=["graded without its training data"])
    absent = dataclasses.replace(LARGE, outcome="missing", counterexample=None)
    gone = exercise("multihead/head_reshape", "missing", [absent])
    fine = exercise("multihead/head_reshape", "passed", [SHAPE, TRAINED])
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


def render_report(*arguments, **rest) -> dict[str, str]:
    """The whole report."""
    return {path: render() for path, render in report_pages(*arguments, **rest).items()}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The report of that class."""
    return render_report(a_class(), SECTIONS, AWAITING, names=NAMES)


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
        if tag not in {"meta", "col"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def words(page: str) -> str:
    """What a reader sees of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2]).split())


def test_there_is_an_overview_and_one_page_an_exercise_and_a_student(pages):
    """Students' pages are numbered in the order of the names, whatever the order of the results."""
    assert list(pages) == [
        "index.html",
        "matrix.html",
        "exercises/scoring-masked_softmax.html",
        "exercises/scoring-dot_product_attention.html",
        "exercises/multihead-head_reshape.html",
        "students/1-amber.html",
        "students/2-bjork-gumundsdottir.html",
        "students/3-chidi.html",
        "students/4-dmitri.html",
        "students/5-esra.html",
        "students/6-student.html",
    ]


def test_the_overview_links_to_every_student(pages):
    """Each student's row leads to their page."""
    rows = re.findall(r'<th scope="row"><a href="(students/[^"]*)">', pages["index.html"])
    assert rows == [path for path in pages if path.startswith("students/")]


def test_every_link_leads_to_a_page_and_a_place_on_it(pages):
    """Wherever it stands, and every page of the class can be reached from the overview."""
    reached = {"index.html"}
    for path, page in pages.items():
        for link in (value for name, value in Tags(page).attributes if name == "href"):
            place, _, anchor = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), place)) if place else path
            assert f'id="{anchor}"' in pages[target] or not anchor, f"{path}: {link}"
            reached.add(target)
    assert reached == set(pages)


def test_a_students_page_leads_nowhere_else(pages):
    """Nothing on it is about another student."""
    for path, page in pages.items():
        if path.startswith("students/"):
            assert all(value.startswith("#") for name, value in Tags(page).attributes if name == "href")
            assert not any(name in words(page) for name in ("amber", "chidi", "dmitri", "esra") if name not in path)


def test_the_overview_counts_students_and_submissions(pages):
    """A submission is one section of one student of which something was handed in."""
    assert "6 students, 9 submissions. Sandbox: full." in words(pages["index.html"])


def test_the_overview_shows_points_totals_and_what_went_wrong(pages):
    """A row holds the total, and the points of each section with marks of what needs a look."""
    row = words("<body>" + re.search(r"<tr><th[^>]*><a[^>]*>dmitri.*?</tr>", pages["index.html"], re.DOTALL)[0])
    assert row == "dmitri 4.5 1 timeout 3.5 1 broken 1"


def test_a_section_without_a_submission_is_said_to_have_none(pages):
    """Nothing handed in is not the same as no points, graded or not."""
    assert "esra 3.5 3.5 none" in words(pages["index.html"])
    assert "chidi 3.5 3.5 none" in words(pages["index.html"])


def test_exercises_that_nobody_handed_in_are_listed_apart():
    """Without a bar and a share of 0, on a page that says no more."""
    gone = exercise("scoring/masked_softmax", "missing", [dataclasses.replace(SHAPE, outcome="missing", points=0.0)])
    found = render_report([section_result("amber", "scoring", "full", 7, [gone])], SECTIONS, {}, names=NAMES)
    assert "Handed in by nobody Masked softmax scoring/masked_softmax" in words(found["index.html"])
    assert "0 %" not in words(found["index.html"])
    assert words(found["exercises/scoring-masked_softmax.html"]).endswith("Handed in by nobody")


def test_the_overview_shows_how_the_class_did_on_each_exercise(pages):
    """How many handed in and passed, its difficulty, and that nine are needed for its discrimination."""
    text = words(pages["index.html"])
    head = "Exercise handed in passed difficulty discrimination"
    assert f"{head} {SECTIONS['scoring']} Masked softmax 5 2 0.67 too few dot product attention 5 2 0.65" in text
    assert f"{SECTIONS['multihead']} Heads into the batch and back 4 2 0.78 too few" in text


def test_the_distribution_is_drawn_and_said(pages):
    """Each column's height is its count, and the description says it in words."""
    drawing = re.search(r"<svg[^>]*>.*?</svg>", pages["index.html"], re.DOTALL)[0]
    assert "<desc>20 to 30 %: 3; 30 to 40 %: 1; 40 to 50 %: 1; 70 to 80 %: 1.</desc>" in drawing
    assert re.findall(r'class="amount" x="(\d+)".*height="([\d.]+)"', drawing) == [
        ("91", "100.0"),
        ("121", "33.3"),
        ("151", "33.3"),
        ("241", "33.3"),
    ]
    assert "6 handed in something 31 % is the median of their totals" in words(pages["index.html"])


def test_what_broke_leads_to_whose_it_was(pages):
    """Our own mistakes first; each student at the exercise."""
    text = words(pages["index.html"])
    ours = "! headcheck failed: no points lost Heads into the batch and back dmitri"
    assert f"What broke {ours} ✗ took too long dot product attention dmitri" in text
    assert '<a href="students/4-dmitri.html#scoring-dot_product_attention">dmitri</a>' in pages["index.html"]


def test_who_handed_in_nothing_is_named():
    """With what they missed not counted among the totals."""
    gone = exercise("scoring/masked_softmax", "missing", [dataclasses.replace(SHAPE, outcome="missing", points=0.0)])
    good = exercise("scoring/masked_softmax", "passed", [SHAPE])
    results = [section_result(name, "scoring", "full", 7, [one]) for name, one in (("amber", good), ("esra", gone))]
    text = words(render_report(results, SECTIONS, {})["index.html"])
    assert "Handed in nothing 1 esra" in text
    assert "1 handed in something 100 % is the median" in text


def test_misconceptions_are_ranked_over_the_class_with_their_students(pages):
    """The most frequent first, what its author says, and links to whose it is."""
    first = f"3\u00d7 mask after softmax Masked softmax {MASKED.message} chidi dmitri esra"
    second = f"2\u00d7 scaled by the values dot product attention {SCALED.message} Björk Guðmundsdóttir chidi"
    assert f"Misconceptions, the most frequent first {first} {second}" in words(pages["index.html"])
    assert '<a href="students/5-esra.html#scoring-masked_softmax">esra</a>' in pages["index.html"]


def test_many_students_are_counted_and_unfold():
    """A list of names longer than a few is folded, not left out."""
    masked = exercise("scoring/masked_softmax", "failed", [SHAPE, SUMS], MASKED)
    results = [section_result(f"s{number:02}", "scoring", "full", 7, [masked]) for number in range(SHOWN + 1)]
    pages = render_report(results, SECTIONS, {})
    assert f"<summary>{SHOWN + 1} students</summary>" in pages["index.html"]
    assert pages["index.html"].count("#scoring-masked_softmax") == SHOWN + 1
    assert "<details>" not in render_report(results[1:], SECTIONS, {})["index.html"]


def test_an_exercise_has_the_share_of_the_class_that_passed_each_check(pages):
    """Of those who handed it in; what was not run, and what headcheck failed on, is said."""
    text = words(pages["exercises/scoring-masked_softmax.html"])
    assert f"Masked softmax {SECTIONS['scoring']}, scoring/masked_softmax 5 / 5 handed it in 2 passed 0.67" in text
    assert f"{SHAPE.sentence} 100 % passed, 5 of 5" in text
    assert f"{EMPTY.sentence} beyond the book 40 % passed, 2 of 5" in text
    assert f"{LATER.sentence} 0 % passed, 0 of 3 not run for 3" in text
    text = words(pages["exercises/multihead-head_reshape.html"])
    assert f"{OURS.sentence} headcheck failed on 1" in text
    assert f"{LARGE.sentence} 0 % passed, 0 of 1" in text


def test_an_exercise_lists_whose_it_is_that_is_not_right_or_missing(pages):
    """With their points, and a link to the place on their page."""
    text = words(pages["exercises/multihead-head_reshape.html"])
    assert text.endswith("dmitri Not right yet 1 Björk Guðmundsdóttir 1 / 3 Not handed in 1 chidi")
    link = '<a href="../students/2-bjork-gumundsdottir.html#multihead-head_reshape">'
    assert link in pages["exercises/multihead-head_reshape.html"]


def test_an_exercise_discriminates_when_enough_handed_it_in():
    """Three of nine have it right, and they are the upper third."""
    right, wrong = exercise("scoring/a", "passed", [SHAPE]), exercise("scoring/a", "failed", [SUMS])
    results = [section_result(f"s{place}", "scoring", "full", 7, [right if place < 3 else wrong]) for place in range(9)]
    pages = render_report(results, SECTIONS, {})
    assert "a 9 3 0.33 1.00" in words(pages["index.html"])
    said = "1.00 discrimination: the upper third of them less the lower third"
    assert said in words(pages["exercises/scoring-a.html"])
    assert "no discrimination: fewer than 9" in words(
        render_report(results[1:], SECTIONS, {})["exercises/scoring-a.html"]
    )


def test_the_trainings_of_a_class_are_drawn_together(pages):
    """Every student's beside a right model's, which is drawn once; how they end is said."""
    page = pages["exercises/multihead-head_reshape.html"]
    loss = re.search(r'<svg viewBox="0 0 360.0[^>]*>.*?</svg>', page, re.DOTALL)[0]
    assert (loss.count('<path class="own"'), loss.count('<path class="right"')) == (2, 1)
    assert "2 trainings end at 0.02 in the middle, from 0.02 to 0.02. A right model: from 2 to 0.01." in words(
        f"<body>{loss}"
    )
    assert f"Training {TRAINED.sentence} the loss each training a right model" in words(page)


def test_the_trainings_of_a_large_class_are_bands():
    """All of their points are there, however many."""
    run = [round(1 / step, 4) for step in range(1, 1001)]
    trained = [
        dataclasses.replace(TRAINED, curves=[Curve("the loss", [value + place for value in run])])
        for place in range(40)
    ]
    results = [
        section_result(f"s{place:02}", "scoring", "full", 7, [exercise("scoring/a", "passed", [one])])
        for place, one in enumerate(trained)
    ]
    page = render_report(results, SECTIONS, {})["exercises/scoring-a.html"]
    bands = re.findall(r'<path class="span" d="([^"]*)"', page)
    assert [len(band.split()) for band in bands] == [2000, 2000]
    (own,) = re.findall(r'<path class="own" d="([^"]*)"', page)
    assert len(own.split()) == 1000
    assert "the middle of 40 trainings, half of them, and four fifths" in words(page)


def test_the_matrix_leads_from_every_cell_to_its_student_and_exercise(pages):
    """A cell says the points in per cent, and by a letter what else became of it; colour is not all."""
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", pages["matrix.html"], re.DOTALL)
    said = [words(f"<body>{row}") for row in rows]
    assert said == [
        "amber 70 100 100 100",
        "Björk Guðmundsdóttir 48 100 50 33",
        "chidi 25 45 50 \u2013",
        "dmitri 33 45 25 t 50 !",
        "esra 25 45 100",
        "فاطمة 29 100",
    ]
    cell = '<td class="n4"><a href="students/4-dmitri.html#scoring-dot_product_attention">25 <b>t</b></a></td>'
    assert cell in rows[3]
    assert "t &nbsp;took too long" in words(pages["matrix.html"])


def test_points_are_rounded_so_that_only_all_of_them_are_100():
    """An exercise that lacks a hundredth has 99."""
    near = exercise("scoring/a", "passed", [claim("x", "X.", worth=99.6), claim("y", "Y.", "failed", worth=0.4)])
    page = render_report([section_result("amber", "scoring", "full", 7, [near])], SECTIONS, {})["matrix.html"]
    assert '#scoring-a">99</a>' in page


def test_the_matrix_is_cut_into_tables_with_their_own_headers():
    """So that a browser lays out only those in sight."""
    one = exercise("scoring/a", "passed", [SHAPE])
    results = [section_result(f"s{place:03}", "scoring", "full", 7, [one]) for place in range(2 * BLOCK + 1)]
    page = render_report(results, SECTIONS, {})["matrix.html"]
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert [table.count('<th scope="row">') for table in tables] == [BLOCK, BLOCK, 1]
    assert all('<a href="exercises/scoring-a.html">' in table for table in tables)
    assert f"Students by exercise: s000 to s{BLOCK - 1:03}" in words(page)


def test_missing_exercises_are_one_line_each_under_the_reason():
    """Not a line and a hint for each of their checks, and nothing but its title for a section without any."""
    absent = dataclasses.replace(LARGE, outcome="missing", points=0.0, counterexample=None, message="save it as a.py")
    large = dataclasses.replace(absent, message="the file is too large")
    gone = [exercise(f"scoring/{name}", "missing", [absent]) for name in ("a", "c")]
    gone.insert(1, exercise("scoring/b", "missing", [large], notes=[large.message]))
    sections = {"scoring": gone, "multihead": [exercise("multihead/d", "missing", [absent])]}
    results = [section_result("amber", name, "full", 7, own) for name, own in sections.items()]
    text = words(render_report(results, SECTIONS, {})["students/1-amber.html"])
    assert "Not handed in a 0 / 2 c 0 / 2 Not handed in the file is too large b 0 / 2" in text
    assert text.endswith(f"Not begun {SECTIONS['multihead']} 0 / 2")
    assert "save it" not in text
    assert LARGE.sentence not in text


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
    headers = re.findall(r'<th scope="col">(.*?)<', pages["index.html"].partition('id="students"')[2])
    assert [header.strip() for header in headers] == ["Student", "Total", *SECTIONS.values()]


def test_an_empty_class_is_a_page_too():
    """No results are no error."""
    assert "0 students, 0 submissions." in words(render_report([], SECTIONS, {})["index.html"])


def test_the_misconception_comes_before_the_checks(pages):
    """The mistake by name is the first thing under an exercise, then comes how far it is right."""
    text = words(pages["students/5-esra.html"])
    said = f"{MASKED.message} Right so far: the scores. The first step that goes wrong: the mask. Fix this first"
    assert f"Masked softmax not right yet 2.5 / 5.5 The mistake: mask after softmax {said} {SUMS.sentence}" in text


def test_only_the_first_thing_to_fix_is_unfolded(pages):
    """What else does not pass, what did not run and what passes can be unfolded."""
    article = re.search(r'<article id="scoring-masked_softmax">.*?</article>', pages["students/5-esra.html"], re.DOTALL)
    shown, *folded = re.split(r"<details[^>]*>", article[0])
    assert SUMS.sentence in shown
    summaries = ["One more check does not pass", "One check was not run yet", "2 checks pass", "What the code printed"]
    assert [re.search(r"<summary>(.*)</summary>", part)[1] for part in folded] == summaries
    sentences = [EMPTY.sentence, LATER.sentence, ZEROS.sentence]
    assert [sentence in part for sentence, part in zip(sentences, folded, strict=False)] == [True] * 3
    assert not any(sentence in shown for sentence in sentences)


def test_what_is_beyond_the_book_is_not_to_be_fixed_first():
    """An exercise that has passed asks for nothing, but says what is left."""
    text = words("<body>" + render_exercise(exercise("scoring/a", "passed", [SHAPE, EMPTY])))
    assert f"Beyond the book {EMPTY.sentence}" in text
    assert "Fix this first" not in text


def test_what_broke_is_ours():
    """Nobody is told to fix it, and the hint is not given."""
    text = words("<body>" + render_exercise(exercise("scoring/a", "broken", [dataclasses.replace(OURS, hint="Try.")])))
    assert "headcheck failed: no points lost" in text
    assert f"Our mistake, not yours {OURS.sentence}" in text
    assert "Try." not in text


def test_the_line_that_reproduces_can_be_selected_whole():
    """It stands by itself, as it is to be typed."""
    line = 'masked_softmax(torch.tensor([[1.0, "<9>"]]))'
    example = dataclasses.replace(SUMS.counterexample, reproduce=line)
    page = render_exercise(exercise("scoring/a", "failed", [dataclasses.replace(SUMS, counterexample=example)]))
    assert "masked_softmax(torch.tensor([[1.0, &#34;&lt;9&gt;&#34;]]))</pre>" in page
    assert "pre.code { -webkit-user-select: all; user-select: all;" in page


def test_a_failed_check_shows_what_a_student_needs(pages):
    """Sentence, points, message, inputs, got, wanted, and the hint, in this order."""
    text = words(pages["students/5-esra.html"])
    parts = ["0.0003353", "wanted", "Hint", SUMS.hint]
    parts = [SUMS.sentence, "0 / 1", SUMS.message, "scores", "valid_lens", "got", *parts]
    assert re.search(".*".join(map(re.escape, parts)), text)


def test_differing_cells_carry_a_sign_beside_their_colour(pages):
    """A reader who sees no colour sees which cells differ."""
    assert pages["students/5-esra.html"].count('off"><span class="sign" role="img" aria-label="differs">✗') == 2 + 3


def test_cells_are_shaded_by_their_value(pages):
    """The largest number of a tensor is the darkest, its sign the hue, and NaN is hatched."""
    page = pages["students/5-esra.html"]
    assert '<td class="p5">9</td>' in page
    assert '<td class="n2">-3</td>' in page
    assert re.search(r'<td class="odd off"><span[^>]*>✗</span>nan</td>', page)


def test_attention_weights_have_shades_from_0_to_1_and_named_axes(pages):
    """Rows are queries and columns keys; a weight is shaded by its share of the whole."""
    table = re.findall(r'<table class="matrix">.*?</table>', pages["students/5-esra.html"], re.DOTALL)[-2]
    assert re.findall(r'class="(w\d+)', table) == ["w0", "w1", "w9"]
    assert '<th scope="colgroup" class="across" colspan="3">keys</th>' in table
    assert '<th scope="rowgroup" class="down" rowspan="2">queries</th>' in table


def test_robust_checks_are_said_to_be_beyond_the_book(pages):
    """The book does not ask for them."""
    assert f"{EMPTY.sentence} beyond the book" in words(pages["students/5-esra.html"])


def test_curves_are_drawn_beside_those_of_a_right_model_and_the_thresholds(pages):
    """The student's is solid, the right one dashed, the threshold labelled; and all of it is said in words."""
    page = pages["students/1-amber.html"]
    drawings = re.findall(r'<svg viewBox="0 0 360.0[^>]* role="img">.*?</svg>', page, re.DOTALL)
    loss, share, error = (words(f"<body>{drawing}") for drawing in drawings)
    assert loss.startswith("the loss Yours: from 2 to 0.02. A right model: from 2 to 0.01.")
    assert share.startswith("the share that it has right Yours: from 0.3 to 0.97. A right model: from 0.3 to 0.99.")
    assert error.startswith("the error Yours: 0.125. A right model: 0.0625. Wanted: at most 0.25.")
    assert drawings[1].count('<path class="own"') == drawings[1].count('<path class="right"') == 1
    assert share.endswith("at least 0.95")
    assert ".chart .right { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray:" in page


def test_a_batch_is_one_labelled_matrix_an_example(pages):
    """Three axes become a row of matrices."""
    assert "<caption>[0]</caption>" in pages["students/5-esra.html"]
    assert "<caption>[1]</caption>" in pages["students/5-esra.html"]


def test_a_large_tensor_is_one_line(pages):
    """Its dtype and shape are said, its numbers not."""
    assert "X float32 (4, 32, 64) too large to show" in words(pages["students/2-bjork-gumundsdottir.html"])


def test_printed_text_and_notes_are_shown(pages):
    """What the code printed keeps its lines; notes are for the instructor."""
    assert '<pre tabindex="0">tensor([[1., 9.]])\n</pre>' in pages["students/5-esra.html"]
    assert "Notes for the instructor graded without its training data" in words(pages["students/4-dmitri.html"])


def test_every_page_is_well_formed_and_whole_in_itself(pages, hostile_pages):
    """Every element is closed; there is no script, no handler, no inline style attribute, and nothing is loaded."""
    for page in (*pages.values(), *hostile_pages.values()):
        tags = Tags(page)
        assert tags.open == []
        assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(tags.names)
        assert not any(name.startswith("on") or name in {"style", "src"} for name, _ in tags.attributes)
        links = [value for name, value in tags.attributes if name == "href"]
        assert all(
            re.fullmatch(r"((\.\./)?((students|exercises)/)?[a-z0-9_-]+\.html)?(#[a-z0-9_-]+)?", link) for link in links
        )
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
    assert list(hostile_pages)[2].startswith("exercises/script-alert-1-script")
    assert list(hostile_pages)[3].startswith("students/1-script-alert-1-script-8-http-evil")


def test_file_names_come_from_safe_characters_only():
    """A name that climbs directories, or has no safe character, gets a page of its own all the same."""
    names = ["../../etc/passwd", "", "a" * 300, "\u202e", "CON", "a/b\\c:d"]
    found = render_report([section_result(name, "scoring", "full", 7, []) for name in names], SECTIONS, {})
    assert len(found) == len(names) + 2
    assert all(re.fullmatch(r"students/\d+-[a-z0-9-]{1,40}\.html", path) for path in list(found)[2:])


def test_every_exercise_and_every_student_has_a_page_and_places_of_its_own():
    """Whatever their names have in common: what is replaced, case, which a file system may ignore, the beginning."""
    ids = ["a_b/c", "a/b_c", "a-b/c", "A_b/c", "a/b/c", "ab/c", "é/c", "è/c", f"{'x' * 300}/a", f"{'x' * 300}/b"]
    names = ["Ann", "ann", "Änn", "ann ", "an-n", "an_n", "x" * 300, "x" * 301]
    exercises = [exercise(name, "failed", [SUMS]) for name in ids]
    found = render_report([section_result(name, "scoring", "full", 7, exercises) for name in names], SECTIONS, {})
    assert len({path.casefold() for path in found}) == len(ids) + len(names) + 2
    assert max(map(len, found)) < 200
    for path, page in found.items():
        places = re.findall(r'<article id="([^"]*)"', page)
        assert len({place.casefold() for place in places}) == (len(ids) if path.startswith("students/") else 0)


def test_a_check_that_passes_costs_a_page_little_more_than_its_sentence():
    """A student's page has hundreds of them."""

    def size(count: int) -> int:
        return len(render_check([exercise("scoring/a", "passed", [SHAPE] * count)], SECTIONS, {}))

    assert size(110) - size(10) < 100 * (len(SHAPE.sentence) + 40)


def test_tables_and_headings_are_accessible(pages):
    """Header cells have a scope, headings descend one level at a time, and the language is said."""
    for page in pages.values():
        assert '<html lang="en">' in page
        assert "<th>" not in page
        levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all("<caption" in table for table in re.findall(r"<table.*?</table>", page, re.DOTALL))
        assert page.count("<main>") == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


# One's own check


def test_a_check_is_one_page_by_section():
    """Titles are the course's; an exercise links to its place; what grading adds is counted."""
    masked = exercise("scoring/masked_softmax", "failed", [SHAPE, SUMS], MASKED)
    heads = exercise("multihead/head_reshape", "passed", [SHAPE])
    page = render_check([masked, heads], SECTIONS, NAMES, hidden_left={masked.exercise: 3, heads.exercise: 1})
    text = words(page)
    assert text.startswith("Your check 1 of 2 exercises pass ✗ not right yet Masked softmax 1 / 2")
    assert text.index(SECTIONS["scoring"]) < text.index(SECTIONS["multihead"]) < text.index("It passes its only check")
    assert "3 more checks run when this is graded." in text
    assert "One more check runs when this is graded." in text
    assert re.findall(r'<article id="([^"]*)"', page) == re.findall('href="#([^"]*)"', page)
    assert Tags(page).open == []


def test_a_part_of_a_notebook_has_no_ids_and_a_style_that_stays_inside():
    """Several of them stand on one page."""
    page = render_exercise(exercise("scoring/masked_softmax", "failed", [SHAPE, SUMS]), name="Masked softmax")
    assert not {"id", "href"} & {name for name, _ in Tags(page).attributes}
    assert "<style>@scope (.headcheck) { /*" in page
    assert "Masked softmax" in page


# Every reader


def test_pages_speak_the_language_that_is_spoken(tmp_path):
    """The page's own words and what it was given, and the document says which language it is."""
    catalogue = tmp_path / "headcheck.zh.po"
    pairs = {
        "Fix this first": "先改这里",
        "Masked softmax": "掩蔽 softmax",
        SUMS.sentence: "每行之和为 1。",
        SUMS.hint: "先掩蔽",
        "Hint": "提示",
    }
    catalogue.write_text("".join(f'msgid "{text}"\nmsgstr "{said}"\n\n' for text, said in pairs.items()), "utf-8")
    speak("zh", [catalogue])
    try:
        page = render_check([exercise("scoring/masked_softmax", "failed", [SUMS])], SECTIONS, NAMES)
    finally:
        speak(ENGLISH)
    assert '<html lang="zh-Hans">' in page
    assert all(said in page for said in pairs.values())
    assert SUMS.sentence not in page


STYLE = files("headcheck").joinpath("templates/report.css").read_text(encoding="utf-8")
CLASS_STYLE = files("headcheck").joinpath("templates/class.css").read_text(encoding="utf-8")
SCHEMES = dict(
    zip(("light", "dark", "print"), re.findall(r":scope \{\s*(--paper.*?)\}", STYLE, re.DOTALL), strict=True)
)
TEXTS = ["--ink", "--quiet", "--good", "--bad", "--odd", "--link"]
SHADES = dict(re.findall(r"\.([pnw]\d+) \{ background: (rgb\(var\([^;]*); \}", STYLE.replace(", .n0", "")))


def channels(color: str, scheme: dict[str, str], under: tuple[float, ...] = ()) -> tuple[float, ...]:
    """Red, green and blue of a color of the style, laid over another where it lets that through."""
    if color.startswith("#"):
        digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
        return tuple(int(digits[place : place + 2], 16) for place in (0, 2, 4))
    name, alpha = re.fullmatch(r"rgb\(var\((--\w+)\) / ([\d.]+)\)", color).groups()
    over = [float(part) for part in scheme[name].split()]
    return tuple(float(alpha) * a + (1 - float(alpha)) * b for a, b in zip(over, under, strict=True))


def luminance(color: tuple[float, ...]) -> float:
    """As WCAG 2 defines it."""
    parts = [part / 255 for part in color]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", SCHEMES)
def test_text_stands_out_from_what_is_behind_it(name):
    """At least 4.5 to 1: every kind of text on the page and on soft ground, and a cell's number on every shade."""
    scheme = dict(re.findall(r"(--\w+): ([^;]+);", SCHEMES[name]))
    paper, soft, ink = (channels(scheme[variable], scheme) for variable in ("--paper", "--soft", "--ink"))
    found = {
        (text, ground): contrast(channels(scheme[text], scheme), behind)
        for text in TEXTS
        for ground, behind in (("paper", paper), ("soft", soft))
    }
    found |= {("ink", shade): contrast(ink, channels(color, scheme, paper)) for shade, color in SHADES.items()}
    allowed = channels("rgb(var(--allow) / .1)", scheme, paper)
    found |= {(text, "allowed"): contrast(channels(scheme[text], scheme), allowed) for text in ("--good", "--quiet")}
    assert len(SHADES) == 6 + 5 + 11
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("name", SCHEMES)
def test_lines_of_a_drawing_stand_out(name):
    """At least 3 to 1, as graphics must; and the student's and the right curve differ in more than colour."""
    scheme = dict(re.findall(r"(--\w+): ([^;]+);", SCHEMES[name]))
    paper = channels(scheme["--paper"], scheme)
    colors = ["rgb(var(--pos) / 1)", *re.findall(r"\.amount { fill: (.*); }", CLASS_STYLE)]
    assert len(colors) == 2
    assert all(contrast(channels(color, scheme, paper), paper) >= 3 for color in colors)
    assert "stroke-dasharray" in re.search(r"\.chart \.right \{[^}]*\}", STYLE)[0]
    assert "stroke-dasharray" not in re.search(r"\.chart \.own \{[^}]*\}", STYLE)[0]


def test_focus_is_visible_and_nothing_is_hidden_from_the_keyboard(pages):
    """Whatever scrolls can be reached, and what has the focus is outlined."""
    assert ":focus-visible { outline: 3px solid" in STYLE
    assert "outline: none" not in STYLE
    assert all('tabindex="0"' in tag for tag in re.findall(r"<pre[^>]*>", pages["students/5-esra.html"]))


# Work that is alike


def test_similar_work_stands_side_by_side_and_is_only_text():
    """Hostile names and sources in a pair, in what is left out; the shared line is marked, and nothing acts."""
    text = f"x = 1\n# {HOSTILE}\n\tpass"
    sides = (Side("amber", 20, text, frozenset({2})), Side(HOSTILE, 30, text, frozenset({1, 9})))
    pair = Pair("scoring/masked_softmax", sides, 18, 16, 90.0)
    left_out = [LeftOut("multihead/head_reshape", HOSTILE, HOSTILE)]
    found = Similarities(7, [pair], 4, [Silence("multihead/head_reshape", 3, 5)], left_out)
    page = render_similar(found, NAMES)
    assert re.findall("<mark>(.*)</mark>", page) == [f"# {escape(visible(HOSTILE))}", "x = 1"]
    assert "<script" not in page
    assert "\u202e" not in page
    words = " ".join(re.sub("<[^>]+>", " ", page.partition("<body>")[2]).split())
    assert "no points follow from them" in words
    assert "18 pieces are shared, of 20 that are amber&#39;s own and 30 that are" in words
    assert "4 more pairs are less improbable" in words
    assert "Heads into the batch and back 3 / 5" in words


def test_the_overview_and_the_page_of_pairs_lead_to_each_other_where_both_are():
    """And to nothing that is not there."""
    found = Similarities(7, [], 0, [], [])
    for beside in (True, False):
        overview = render_report(a_class(), SECTIONS, {}, similar=beside)["index.html"]
        assert ('<a href="similar.html">Similar submissions</a>' in overview) == beside
        assert ('<a href="index.html">The class</a>' in render_similar(found, NAMES, overview=beside)) == beside


def test_where_nobody_is_alike_that_is_said():
    """And no table stands there."""
    page = render_similar(Similarities(7, [], 0, [], []), NAMES)
    assert "No two submissions are more alike than their exercise explains." in page
    assert "<table" not in page
