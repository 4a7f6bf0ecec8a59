"""The language in which texts are shown: English as the code has it, or what catalogues (`.po`) have for it.

Texts are translated where they are shown, never where they are made: results hold English, and can be shown in any
language. A text that was made from a template (`weights[0, 1] is 2, wanted 3`) is recognised by what lies between the
template's placeholders, and what fills them is translated in turn.
"""

from __future__ import annotations

import ast
import re
import textwrap
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ENGLISH = "en"
LANGUAGES = {ENGLISH: "en", "zh": "zh-Hans"}
"""The languages spoken, and how a page names each to its reader."""

ENGINE_CATALOGUES = Path(__file__).parent / "locale"

_Defined = ast.FunctionDef | ast.ClassDef
_PLACE = re.compile(r"(?P<name>.+?)(?P<index>\[[\d, :]+\])")
_WORD = re.compile(r"[A-Za-z]{2}")  # without any, a template would match nearly everything

QUOTED = {"reason", "text"}
"""What a template's placeholders are called whose text is not ours: Python's own words, or a line of code."""

MAX_TEXT = 4_000
MAX_DEPTH = 3


@dataclass(frozen=True)
class _Template:
    """`{what} is {value}, wanted {wanted}`: the literals before, between and after the placeholders."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in `text` for each placeholder; None when it was not made from this template."""
        first, *others = self.literals
        if not text.startswith(first):
            return None
        place, found = len(first), {}
        for number, (name, literal) in enumerate(zip(self.names, others, strict=True), start=1):
            last = number == len(others)
            end = len(text) - len(literal) if last and text.endswith(literal) else text.find(literal, place)
            if end < place or (last and end + len(literal) != len(text)):
                return None
            found[name] = text[place:end]
            place = end + len(literal)
        return found


class Phrases:
    """What is said in a language for what the code says."""

    def __init__(self, language: str, said: Iterable[tuple[str, str]]) -> None:
        self.language = language
        self._said: dict[str, str] = {}
        for text, translation in said:
            self._said.setdefault(text, translation)
        found = [template for text, said_so in self._said.items() if (template := _template(text, said_so))]
        self._templates = sorted(found, key=lambda template: -sum(map(len, template.literals)))

    def exact(self, text: str) -> str:
        """The translation of this very text, or the text."""
        return self._said.get(text, text)

    def of(self, text: str, depth: int = 0) -> str:
        """The translation of a text, by the template it was made from or by its parts; or the text."""
        if text in self._said or not text or len(text) > MAX_TEXT or depth > MAX_DEPTH:
            return self.exact(text)
        if "\n\n" in text:
            return "\n\n".join(self.of(part, depth + 1) for part in text.split("\n\n"))
        if place := _PLACE.fullmatch(text):
            return self.of(place["name"], depth + 1) + place["index"]
        found, parts = self._by_template(text, depth), text.split("; ")
        return found or (text if len(parts) == 1 else "; ".join(self.of(part, depth + 1) for part in parts))

    def _by_template(self, text: str, depth: int) -> str:
        for template in self._templates:
            values = template.values(text)
            if values is not None:
                parts = {name: value if name in QUOTED else self.of(value, depth + 1) for name, value in values.items()}
                return template.said.format(**parts)
        return ""


_phrases: ContextVar[Phrases | None] = ContextVar("phrases", default=None)


def speak(language: str, catalogues: Iterable[Path] = ()) -> None:
    """Show texts in this language from now on, by these catalogues; what they do not have stays English."""
    said = (pair for path in catalogues for pair in read_catalogue(path).items())
    _phrases.set(None if language == ENGLISH else Phrases(language, said))


def spoken_language() -> str:
    """The language in which texts are shown: `en`, or another of `LANGUAGES`."""
    phrases = _phrases.get()
    return phrases.language if phrases else ENGLISH


def say(template: str, **values: object) -> str:
    """A view's own words, in the language: `say("{count} checks passed", count=3)`."""
    phrases = _phrases.get()
    if phrases is None:
        return template.format(**values)
    said = {name: phrases.of(value) if isinstance(value, str) else value for name, value in values.items()}
    return phrases.exact(template).format(**said)


def say_prose(template: str, **values: object) -> str:
    """A view's own words in several paragraphs, each of which is translated by itself."""
    body = template.rstrip("\n")
    return "\n\n".join(say(part, **values) for part in body.split("\n\n")) + template[len(body) :]


def translated(text: str) -> str:
    """A text that was made elsewhere (a sentence, a hint, a message), in the language."""
    phrases = _phrases.get()
    return phrases.of(text) if phrases else text


def translated_source(source: str) -> str:
    """A file with its docstrings in the language; all else stays as it is, byte for byte."""
    lines = source.splitlines(keepends=True)
    owners = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Module | _Defined)]
    for owner in sorted(owners, key=lambda node: getattr(node, "lineno", 0), reverse=True):
        text = ast.get_docstring(owner)
        said = translated_prose(text) if text else None
        if said != text and said is not None:
            written = owner.body[0]
            start, end = written.lineno - 1, written.end_lineno or written.lineno
            lines[start:end] = [_docstring(said, lines[start], written.col_offset)]
    return "".join(lines)


def translated_prose(text: str) -> str:
    """A text of several paragraphs, each of which is translated by itself."""
    body = text.rstrip("\n")
    return "\n\n".join(translated(part) for part in body.split("\n\n")) + text[len(body) :]


def _docstring(text: str, line: str, indent: int) -> str:
    """The statement of a docstring, in place of one whose first line this is."""
    raw = line[indent] in "rR"
    body = textwrap.indent(text, " " * indent).strip()
    body = body if raw else body.replace("\\", "\\\\").replace('"""', '\\"""')
    closing = "\n" + " " * indent if "\n" in body else ""
    return f'{" " * indent}{"r" * raw}"""{body}{closing}"""\n'


def _template(text: str, said: str) -> _Template | None:
    try:
        parts = list(Formatter().parse(text))
        names = tuple(name for _, name, _, _ in parts if name is not None)
    except ValueError:  # braces of another kind
        return None
    if not names or not all(name.isidentifier() and not form for _, name, form, _ in parts if name is not None):
        return None  # one that only `say` fills, or no template at all
    literals = ["", *[""] * len(names)]
    place = 0
    for literal, name, _, _ in parts:
        literals[place] += literal
        place += name is not None
    return _Template(tuple(literals), names, said) if _WORD.search(" ".join(literals)) else None


def catalogue(stem: Path, language: str) -> Path:
    """The file that translates what stands at this path, which is without a suffix."""
    return stem.with_name(f"{stem.name}.{language}.po")


def read_catalogue(path: Path) -> dict[str, str]:
    """What is translated in a catalogue, and not only guessed; nothing where there is no file."""
    from babel.messages.pofile import read_po

    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id and one.string and not one.fuzzy}
