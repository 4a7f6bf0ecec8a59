"""Texts in another language: exact ones, those made from templates, prompts, and what has no translation."""

from __future__ import annotations

import ast
from contextvars import copy_context

import pytest

from headcheck.language import (
    MAX_TEXT,
    Entry,
    Phrases,
    say,
    say_prose,
    speak,
    spoken_language,
    translated,
    translated_prose,
    translated_source,
)

CATALOGUE = """
msgid "the row sums"
msgstr "每行之和"

msgid "{what} is {value}, wanted {wanted}"
msgstr "{what}应为 {wanted}，而不是 {value}"

msgid "{part} of {whole} is {value}, wanted {wanted}"
msgstr "{whole}的 {part}是 {value}，不是 {wanted}"

msgid "what is empty"
msgstr "空的东西"

msgid "weights of all {number}"
msgstr "全部 {number} 个的权重"

msgid "{what} is {value}"
msgstr "{what}是 {value}"

msgid "{count} checks passed"
msgstr "通过了 {count} 项检查"

msgid "{seconds:.1f} s"
msgstr "{seconds:.1f} 秒"

msgid "First paragraph."
msgstr "第一段。"

msgid "the {{braces}} of {name}"
msgstr "{name} 的 {{花括号}}"

msgid "your code raised {reason}"
msgstr "你的代码抛出了 {reason}"

#, fuzzy
msgid "not sure"
msgstr "不确定"

msgid "not done"
msgstr ""

msgid "{one} {other}"
msgstr "{one} 与 {other}"

msgid "all {number}"
msgstr "全部 {number} 个"

#. only said
msgid "{low} to {high}"
msgstr "{low} 到 {high}"

#. only said
msgid "keys"
msgstr "键"
"""


@pytest.fixture
def chinese(tmp_path):
    """Call a function while Chinese is spoken, and nothing after it."""
    path = tmp_path / "texts.zh.po"
    path.write_text(CATALOGUE, encoding="utf-8")

    def act(function, *args, **values):
        def both():
            speak("zh", [path, tmp_path / "there is none.po"])
            return function(*args, **values)

        return copy_context().run(both)

    return act


def test_english_is_what_the_code_says():
    """Without a language nothing is looked up."""
    assert spoken_language() == "en"
    assert translated("the row sums") == "the row sums"
    assert say("{count} checks passed", count=3) == "3 checks passed"


def test_the_language_ends_with_its_context(chinese):
    """Who speaks in another context is not heard in this one."""
    assert chinese(spoken_language) == "zh"
    assert spoken_language() == "en"


def test_english_can_be_spoken_again(chinese):
    """The last one who chooses counts."""

    def both():
        speak("en")
        return translated("the row sums")

    assert chinese(both) == "the row sums"


@pytest.mark.parametrize(
    ("english", "shown"),
    [
        ("the row sums", "每行之和"),
        ("weights[0, 1] is 2, wanted 3", "weights[0, 1]应为 3，而不是 2"),
        ("the row sums[0, 1] is 2, wanted 3", "每行之和[0, 1]应为 3，而不是 2"),
        ("two words", "two words"),
        ("the row sums is 2, wanted 3", "每行之和应为 3，而不是 2"),
        ("weights is nan", "weights是 nan"),
        ("weights of all 3 is 2, wanted 3", "全部 3 个的权重应为 3，而不是 2"),
        ("weights of the row sums is 2, wanted 3", "每行之和的 weights是 2，不是 3"),
        ("what is empty[0] is 2, wanted 3", "空的东西[0]应为 3，而不是 2"),
        ("the {braces} of X", "X 的 {花括号}"),
        ("your code raised the row sums is {0}", "你的代码抛出了 the row sums is {0}"),
        ("First paragraph.\n\nthe row sums", "第一段。\n\n每行之和"),
        ("First paragraph.\n\nUnknown one.", "第一段。\n\nUnknown one."),
        ("weights is the row sums; the row sums", "weights是 每行之和; 每行之和"),
        ("nobody translated this", "nobody translated this"),
        ("with respect to input 1", "with respect to input 1"),
        ("keys is 2, wanted 3", "keys应为 3，而不是 2"),
        ("not sure", "not sure"),
        ("not done", "not done"),
        ("", ""),
    ],
)
def test_a_text_is_recognised_by_itself_or_by_its_template(chinese, english, shown):
    """The template with the most literal text counts, and what fills it is translated in turn."""
    assert chinese(translated, english) == shown


def test_a_view_says_its_own_words(chinese):
    """Values that are texts are translated, others are formatted."""
    assert chinese(say, "{count} checks passed", count=3) == "通过了 3 项检查"
    assert chinese(say, "{seconds:.1f} s", seconds=1.25) == "1.2 秒"
    assert chinese(say, "{what} is {value}", what="the row sums", value=2) == "每行之和是 2"
    assert chinese(say, "{low} to {high}", low=1, high=2) == "1 到 2"
    assert chinese(say, "keys") == "键"


def test_the_first_catalogue_that_has_a_text_counts():
    """So a course can say its own words for what the engine says, too."""
    phrases = Phrases("zh", [Entry("one", "一"), Entry("one", "壹")])
    assert phrases.of("one") == "一"


def test_hostile_texts_are_matched_in_no_time(chinese):
    """A long text is not looked at, and one full of a template's literals needs no search."""
    assert chinese(translated, "x is " * MAX_TEXT) == "x is " * MAX_TEXT
    text = " is , wanted" * 300
    assert "应为" in chinese(translated, text + ", wanted 3")


STUB = '''"""First paragraph.

the row sums
"""

from __future__ import annotations


class Layer:
    """the row sums"""

    def forward(self, X):  # a comment
        r"""First paragraph.

        the row sums
        """


def untouched():
    """nobody translated this"""
'''


def test_the_docstrings_of_a_file_are_translated_and_nothing_else(chinese):
    """It is still the same program, and its prompt reads in the language."""
    shown = chinese(translated_source, STUB)
    tree = ast.parse(shown)
    assert ast.get_docstring(tree) == "第一段。\n\n每行之和"
    layer = tree.body[2]
    assert ast.get_docstring(layer) == "每行之和"
    assert ast.get_docstring(layer.body[1]) == "第一段。\n\n每行之和"
    assert '        r"""第一段。\n\n        每行之和\n        """\n' in shown
    assert "# a comment" in shown
    assert shown.endswith('def untouched():\n    """nobody translated this"""\n')
    assert translated_source(STUB) == STUB


def test_a_translation_may_hold_what_a_docstring_must_escape():
    """Backslashes and quotation marks come back as they were written."""

    def both():
        speak("zh", [])
        return translated_source('"""A."""\n')

    assert copy_context().run(both) == '"""A."""\n'
    phrases = Phrases("zh", [Entry("A.", 'a \\frac """ b')])

    def other():
        from headcheck import language

        language._phrases.set(phrases)
        return translated_source('"""A."""\n')

    assert ast.get_docstring(ast.parse(copy_context().run(other))) == 'a \\frac """ b'


def test_prose_is_translated_by_paragraphs_and_keeps_its_end(chinese):
    assert chinese(say_prose, "{count} checks passed\n\nFirst paragraph.\n", count=2) == "通过了 2 项检查\n\n第一段。\n"
    assert chinese(translated_prose, "First paragraph.\n\nSecond.\n") == "第一段。\n\nSecond.\n"
