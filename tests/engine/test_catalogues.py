"""What is collected for translation, and how catalogues are kept up to date."""

from __future__ import annotations

import shutil

import pytest

from headcheck import catalogues
from headcheck.catalogues import (
    Text,
    catalogue,
    course_texts,
    docstrings,
    engine_texts,
    paragraphs,
    untranslated,
    update,
)
from headcheck.course import read_course

PUBLIC = '''"""What anyone can check."""

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_that
from headcheck.properties import worth


def _rows(student, x):
    """Two answers."""
    return student.double(x), 2 * x


@worth(1, hint="Twice is once more.")
@given(x=st.integers())
def doubles(student, x):
    """The answer is twice the input.

    More for the author.
    """
    got, wanted = _rows(student, x)
    assert_that(got == wanted, f"of {x} you made {got:.2f}, in {{braces}}", answer=got)
'''
MISCONCEPTIONS = '''"""Ways to get it wrong."""


def squared(x):
    """You squared x.
    What is the square of 3?
    """
    return x * x
'''
STUB = '''"""# Double it

What the idea is.

```
---
```
"""


def double(x):
    """Twice x."""
'''
QUESTION = """# In words

Why is it so?

## Rubric

- 1 point: says why.
"""
COURSE = """title = "Numbers"

[[section]]
name = "numbers"
title = "Some numbers"

[[section.exercise]]
slug = "double"
title = "Twice as much"
"""


@pytest.fixture
def course(tmp_path):
    """A course of one exercise, with everything that may be translated."""
    files = {
        "assignments/course.toml": COURSE,
        "assignments/numbers/double.py": STUB,
        "assignments/numbers/double.md": QUESTION,
        "reference/numbers/double.py": '"""Add."""\n\n\ndef double(x):\n    return x + x\n',
        "graders/numbers/double/public.py": PUBLIC,
        "graders/numbers/double/hidden.py": '"""Nothing."""\n',
        "graders/numbers/double/misconceptions.py": MISCONCEPTIONS,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_course(tmp_path)


def found_in(course, name):
    texts = course_texts(course)[course.root / name]
    return [one.text for one in texts]


def test_titles_and_prompts_are_collected(course):
    """A prompt by its paragraphs, without those that hold no letters; the question with its rubric."""
    assert found_in(course, "assignments/course") == ["Numbers", "Some numbers", "Twice as much"]
    assert found_in(course, "assignments/numbers/double") == [
        "# Double it",
        "What the idea is.",
        "Twice x.",
        "In words",
        "Why is it so?",
        "says why.",
    ]


def test_what_a_grader_says_is_collected(course):
    """Sentences, hints and messages; f-strings as templates; no docstring that only authors read."""
    assert found_in(course, "graders/numbers/double/public") == [
        "The answer is twice the input.",
        "Twice is once more.",
        "of {x} you made {got}, in {{braces}}",
        "answer",
    ]


def test_single_words_that_name_what_is_shown_are_collected(course):
    """What is compared, and what its values are called; but neither parameters of the exercise nor names in code."""
    path = course.root / "graders/numbers/double/hidden.py"
    path.write_text(
        """'''Nothing.'''
assert_close(a, b, what="sums", rtol="abc")
assert_close(a, b, what="x")
assert_close(a, b, what="row_sums")
assert_that(ok, "no", first=a, attention_weights=b, got=c)
raise Mismatch("no", got={"second": a, name: b}, wanted={"third": b})
names = ", ".join(found) or "none"
"""
    )
    found = set(found_in(course, "graders/numbers/double/hidden")[:-1])
    assert found == {"sums", "first", "second", "third", "none"}


def test_what_only_views_say_is_marked(tmp_path, monkeypatch):
    """So that it is not recognised in other texts; what is both said and made is not marked."""
    texts = [Text("{low} to {high}", "a.py", only_said=True), Text("one", "a.py"), Text("one", "b.py", only_said=True)]
    monkeypatch.setattr(catalogues, "ENGINE_CATALOGUES", tmp_path)
    monkeypatch.setattr(catalogues, "engine_texts", lambda: texts)
    ((path, left),) = update(None, "zh").items()
    assert left == ["{low} to {high}", "one"]
    marked = '#. only said\n#: a.py\n#, python-brace-format\nmsgid "{low} to {high}"'
    assert marked in path.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8").count("only said") == 1


def test_misconceptions_are_collected_as_they_are_told(course):
    """In one line, in the catalogue that is never released."""
    assert found_in(course, "graders/numbers/double/hidden") == ["You squared x. What is the square of 3?"]


def test_a_released_copy_has_no_hidden_texts(course):
    """There, nothing of the misconceptions is looked for."""
    shutil.rmtree(course.root / "reference")
    assert course.root / "graders/numbers/double/hidden" not in course_texts(read_course(course.root))


def test_placeholders_of_one_template_have_names_of_their_own(course):
    """By the last name of each expression, numbered where it comes again."""
    path = course.root / "graders/numbers/double/hidden.py"
    path.write_text('"""Nothing."""\nMESSAGE = f"from {len(a.rows)} to {len(b.rows)} by {1 + 1} and {\'no name\'}"\n')
    assert found_in(course, "graders/numbers/double/hidden")[0] == "from {rows} to {rows2} by {value} and {value2}"


def test_catalogues_are_written_and_kept(course):
    """Translations stay, new texts come, texts that are no more go; a second update changes nothing."""
    left = update(course, "zh")
    path = catalogue(course.root / "graders/numbers/double/public", "zh")
    assert path.name == "public.zh.po"
    assert left[path][0] == "The answer is twice the input."

    text = path.read_text(encoding="utf-8")
    written = text.replace('input."\nmsgstr ""', 'input."\nmsgstr "两倍。"')
    assert written != text
    path.write_text(written, encoding="utf-8")
    grader = course.root / "graders/numbers/double/public.py"
    grader.write_text(grader.read_text().replace("Twice is once more.", "Add it to itself."))
    assert update(course, "zh")[path] == ["Add it to itself.", "of {x} you made {got}, in {{braces}}", "answer"]
    now = path.read_bytes()
    assert "两倍。".encode() in now
    assert b"once more" not in now
    update(course, "zh")
    assert path.read_bytes() == now
    assert len(untranslated(path, course_texts(course)[path.with_name("public")])) == 3


def test_the_engine_is_collected_whole():
    """Assertions, errors, commands and pages, but neither styles nor regular expressions."""
    texts = {one.text for one in engine_texts()}
    assert "{what} is None: is a `return` missing?" in texts
    assert "got" in texts  # a single word, of `say`
    said = {one.text: one.only_said for one in engine_texts()}
    assert said["got"]
    assert not said["{what} is None: is a `return` missing?"]
    assert "Draw other inputs than the course's seed does." in texts
    assert not [text for text in texts if text.startswith(("bold", "import "))]


def test_docstrings_and_paragraphs():
    """In order, and whole."""
    assert docstrings(STUB) == ["# Double it\n\nWhat the idea is.\n\n```\n---\n```", "Twice x."]
    assert paragraphs("a\n\n---\n\nb\nc") == ["a", "b\nc"]
