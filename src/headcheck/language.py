"""The language in which texts are shown: English as the code has it, or what catalogues (`.po`) have for it.

Texts are translated where they are shown, never where they are made: results hold English, and can be shown in any
language. A text that was made from a template (`weights[0, 1] is 2, wanted 3`) is recognised by what lies between the
template's placeholders, and what fills them is translated in turn. What only views say (`{passed} of {count}`) may be
short, for it is looked up as it stands, and recognised nowhere.
"""

from __future__ import annotations

import ast
import re
import textwrap
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ENGLISH = "en"
LANGUAGES = {ENGLISH: "en", "zh": "zh-Hans"}
"""The languages spoken, and how a page names each to its reader."""

LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")

ENGINE_CATALOGUES = Path(__file__).parent / "locale"

_Defined = ast.FunctionDef | ast.ClassDef
_PLACE = re.compile(r"(?P<name>.+?)(?P<index>\[[\d, :]+\])")
_WORD = re.compile(r"[A-Za-z]{2}")  # without any, a template would match nearly everything
_ENGLISH = re.compile(r"(?<![\w.`])[A-Za-z][a-z]+(?![\w.(])")  # no name in code

QUOTED = {"reason", "text"}
"""What a template's placeholders are called whose text is not ours: Python's own words, or a line of code."""

ONLY_SAID = "only said"
"""The comment in a catalogue on what only `say` asks for, and is never recognised in a text that was made elsewhere."""

MAX_TEXT = 4_000
MAX_REMEMBERED = 4_096
MAX_DEPTH = 3


class Entry(NamedTuple):
    """A text and its translation in a catalogue."""

    text: str
    translation: str
    only_said: bool = False


@dataclass(frozen=True)
class _Template:
    """`{what} is {value}, wanted {wanted}`: the literals before, between and after the placeholders."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    @property
    def quotes(self) -> bool:
        """Whether what is not ours is in it."""
        return not QUOTED.isdisjoint(self.names)

    @property
    def is_open(self) -> bool:
        """Whether it says something of something, as a sentence does."""
        return len(self.names) > 1 and not self.literals[0]

    def readings(self, text: str) -> Iterator[dict[str, str]]:
        """What may stand in `text` for each placeholder, as short as can be from the left, and from the right."""
        first, *inner, last = self.literals
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return
        body = text[len(first) : len(text) - len(last)]
        left, right = _split(body, inner), _split(body, inner, from_right=True)
        for parts in [left] if left == right else [left, right]:
            if parts:
                yield dict(zip(self.names, parts, strict=True))


def _split(text: str, literals: list[str], *, from_right: bool = False) -> list[str]:
    """The parts of a text between literals, each of which is where it comes first; nothing where one is missing."""
    parts = []
    for literal in reversed(literals) if from_right else literals:
        place = text.rfind(literal) if from_right else text.find(literal)
        if place < 0:
            return []
        before, after = text[:place], text[place + len(literal) :]
        parts.append(after if from_right else before)
        text = before if from_right else after
    return [text, *reversed(parts)] if from_right else [*parts, text]


class _Found(NamedTuple):
    """A text in the language, how many English words it still has, and how often a sentence takes a phrase's place."""

    said: str
    left: int = 0
    sentences: int = 0


class Phrases:
    """What is said in a language for what the code says."""

    def __init__(self, language: str, said: Iterable[Entry]) -> None:
        self.language = language
        self._said: dict[str, str] = {}
        self._known: dict[str, str] = {}
        for entry in said:
            self._said.setdefault(entry.text, entry.translation)
            if not entry.only_said:
                self._known.setdefault(entry.text, entry.translation)
        found = [template for text, said_so in self._known.items() if (template := _template(text, said_so))]
        self._templates = sorted(found, key=lambda one: (one.quotes, sum(map(len, one.literals))), reverse=True)
        self._best = lru_cache(maxsize=MAX_REMEMBERED)(self._search)

    def exact(self, text: str) -> str:
        """The translation of this very text, or the text."""
        return self._said.get(text, text)

    def of(self, text: str) -> str:
        """The translation of a text, by the template it was made from or by its parts; or the text."""
        return self._best(text, 0).said

    def _search(self, text: str, depth: int) -> _Found:
        if text in self._known:
            return _Found(self._known[text])
        if not text or len(text) > MAX_TEXT or depth > MAX_DEPTH:
            return _Found(text, len(_ENGLISH.findall(text)))
        if "\n\n" in text:
            return self._joined("\n\n", text, depth)
        if place := _PLACE.fullmatch(text):
            name = place["name"]  # which may end in a list of its own
            whole = None if name in self._known else self._by_template(name, depth)
            found = whole if whole and not whole.left else self._best(name, depth)
            return found._replace(said=found.said + place["index"])
        return self._by_template(text, depth) or self._joined("; ", text, depth)

    def _joined(self, by: str, text: str, depth: int) -> _Found:
        parts = text.split(by)
        if len(parts) == 1:
            return _Found(text, len(_ENGLISH.findall(text)))
        found = [self._best(part, depth + 1) for part in parts]
        return _Found(by.join(part.said for part in found), sum(part.left for part in found))

    def _by_template(self, text: str, depth: int) -> _Found | None:
        """By the template that leaves the fewest English words and takes no sentence for a phrase, then the longest."""
        best, least = None, (0, 0, 0)
        readings = ((template, values) for template in self._templates for values in template.readings(text))
        for template, values in readings:
            parts = {
                name: _Found(value) if name in QUOTED else self._best(value, depth + 1)
                for name, value in values.items()
            }
            said = template.said.format(**{name: part.said for name, part in parts.items()})
            sentences = sum(part.sentences for part in parts.values()) + (depth > 0 and template.is_open)
            found = _Found(said, sum(part.left for part in parts.values()), sentences)
            cost = (found.left, found.sentences, -len(parts) if found.sentences else 0)
            if best is None or cost < least:
                best, least = found, cost
            if template.quotes or not any(least):
                break
        return best


_phrases: ContextVar[Phrases | None] = ContextVar("phrases", default=None)


def spoken_in(environment: Mapping[str, str]) -> str:
    """The language of the locale, if it is one that headcheck speaks."""
    name = next((environment[name] for name in LOCALE if environment.get(name)), "")
    return next((language for language in LANGUAGES if name.lower().startswith(language)), ENGLISH)


def speak(language: str, catalogues: Iterable[Path] = ()) -> None:
    """Show texts in this language from now on, by these catalogues and headcheck's own; what none has stays English."""
    own = catalogue(ENGINE_CATALOGUES / "headcheck", language)
    said = (entry for path in (*catalogues, own) for entry in _entries(path))
    _phrases.set(None if language == ENGLISH else Phrases(language, said))


@contextmanager
def speaking(language: str, catalogues: Iterable[Path] = ()) -> Iterator[None]:
    """Show texts in this language in this block."""
    before = _phrases.get()
    speak(language, catalogues)
    try:
        yield
    finally:
        _phrases.set(before)


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
    return _by_paragraph(template, lambda part: say(part, **values))


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
    return _by_paragraph(text, translated)


def _by_paragraph(text: str, say_one: Callable[[str], str]) -> str:
    body = text.rstrip("\n")
    return "\n\n".join(say_one(part) for part in body.split("\n\n")) + text[len(body) :]


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
    return {entry.text: entry.translation for entry in _entries(path)}


def _entries(path: Path) -> list[Entry]:
    from babel.messages.pofile import read_po

    if not path.is_file():
        return []
    with path.open("rb") as file:
        found = [one for one in read_po(file) if one.id and one.string and not one.fuzzy]
    return [Entry(str(one.id), str(one.string), ONLY_SAID in one.auto_comments) for one in found]
