"""Every text has its translation, which keeps the placeholders and the code of the original."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from headcheck.catalogues import _template as template
from headcheck.catalogues import catalogue, course_texts, engine_texts
from headcheck.course import read_course
from headcheck.language import ENGINE_CATALOGUES, ENGLISH, LANGUAGES, speaking, translated

ROOT = Path(__file__).parents[2]
TEXTS = course_texts(read_course(ROOT)) | {ENGINE_CATALOGUES / "headcheck": engine_texts()}
CASES = [
    pytest.param(stem, language, id=f"{language}:{stem.relative_to(ROOT)}")
    for stem in TEXTS
    for language in LANGUAGES
    if language != ENGLISH
]
CODE = re.compile(r"`[^`]+`")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PROSE = re.compile(r"(?:\b[a-z]{2,}\b[ ,]+){4}")


@cache
def read(stem, language):
    """The translations of a catalogue."""
    with catalogue(stem, language).open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id and not one.fuzzy}


def placeholders(text):
    try:
        return Counter(name for _, name, _, _ in Formatter().parse(text) if name is not None)
    except ValueError:  # other braces
        return Counter()


VERBATIM = {"it is what it is"}  # a sentence whose words are counted


def code(text):
    """What stands in backquotes; a fenced block may have its comments translated."""
    return set() if text.startswith("```") else set(CODE.findall(" ".join(text.split())))


@pytest.mark.parametrize(("stem", "language"), CASES)
def test_every_text_is_translated(stem, language):
    """A new sentence needs a line in each catalogue: `headcheck translate zh` says where."""
    known = read(stem, language)
    assert not [text for text in dict.fromkeys(one.text for one in TEXTS[stem]) if not known.get(text)]


@pytest.mark.parametrize(("stem", "language"), CASES)
def test_nothing_is_translated_that_nobody_says(stem, language):
    """`headcheck translate` drops what is no more."""
    assert not set(read(stem, language)) - {one.text for one in TEXTS[stem]}


@pytest.mark.parametrize(("stem", "language"), CASES)
def test_placeholders_and_code_are_kept(stem, language):
    """What stands in braces or in backquotes is the same on both sides, in any order."""
    changed = {
        text: said
        for text, said in read(stem, language).items()
        if placeholders(text) != placeholders(said) or code(said) - code(text)
    }
    assert not changed


@pytest.mark.parametrize(("stem", "language"), [case for case in CASES if case.values[1] == "zh"])
def test_what_reads_as_prose_is_chinese(stem, language):
    """Four words in a row are no name; they come out in Chinese."""
    left = {text for text, said in read(stem, language).items() if PROSE.search(text) and not CHINESE.search(said)}
    assert left <= VERBATIM


def phrases():
    """What the graders' assertions are about, by the file."""
    for stem in TEXTS:
        path = stem.with_suffix(".py")
        if path.name in ("public.py", "hidden.py"):
            known = {one.text for one in TEXTS[stem]}
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "what":
                    said = template(node.value) if isinstance(node.value, ast.JoinedStr) else node.value
                    text = said.value if isinstance(said, ast.Constant) else said
                    if text in known and re.search(r"[a-z]", re.sub(r"{\w+}", "", text)):
                        yield stem, text


@pytest.mark.parametrize("wanted", ["2", "at least 2", "exactly 0"])
def test_a_message_about_each_phrase_reads_as_one_sentence(wanted):
    """The phrase is taken whole out of the message, however many prepositions are in it."""
    course = read_course(ROOT)
    wrong = {}
    with speaking("zh", course.catalogues(list(course.exercises), "zh")):
        end = translated(f"X is 1, wanted {wanted}").removeprefix("X")
        for stem, phrase in phrases():
            values = dict.fromkeys(placeholders(phrase), "7")
            about = read(stem, "zh")[phrase].format(**values)
            shown = translated(f"{phrase.format(**values)}[0, 1] is 1, wanted {wanted}")
            if shown != f"{about}[0, 1]{end}":
                wrong[phrase] = shown
    assert wrong == {}
