"""Every text that a user may read, collected from the source, and the catalogues (`.po`) that translate it.

A catalogue stands beside what it translates, so its path says whether it is public: `assignments/course.zh.po` for the
titles, `assignments/<section>/<slug>.zh.po` for a prompt and its question, `graders/<section>/<slug>/public.zh.po` and
`hidden.zh.po` for sentences, hints and messages (`hidden` has those of the misconceptions, too). The engine's own is
in the package. A prompt is translated paragraph by paragraph.
"""

from __future__ import annotations

import ast
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from headcheck.archive import write_atomically
from headcheck.language import ENGINE_CATALOGUES, ONLY_SAID, catalogue, read_catalogue
from headcheck.questions import read_question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headcheck.course import Course, Exercise

WIDTH = 110

_Defined = ast.FunctionDef | ast.ClassDef
_WORDS = re.compile(r"\w[^\s\w]* \S*\w")
_SOURCE = re.compile(
    r"""
    \s* (?:
        import\ | from\ \w+\ import\ | lambda | breaches\ =\  | \w+\[\.\.\. | \(\{name\}  # lines of Python
        | \"{3} | \#! | %[\w(] | \#\ cell | \#\ Written | Wheel-  # how files begin, and lines of notebooks
        | -\ \{points\}\ point\{  # the layout of a rubric
        | not\ dim | bold\   # styles
    ) .*
    """,
    re.DOTALL | re.VERBOSE,
)
"""What begins like this is written into files, run or given to another library, and never said to anybody."""
_WORD = re.compile(r"[a-z]{3,}")
_SAID_ON_A_PAGE = re.compile(r'say\(\s*"((?:[^"\\]|\\.)*)"')
_NAME = re.compile(r"[A-Za-z_]\w*")
ONLY_RAISE = {"clues", "language", "reproduce", "scaffold"}
"""Modules of the engine which hold patterns of Python's words, or lines of it, and say no more than what they raise."""


@dataclass(frozen=True)
class Text:
    """A text, or a template of texts, and where it stands; a view's own words are `only_said`."""

    text: str
    place: str
    only_said: bool = False


def course_texts(course: Course) -> dict[Path, list[Text]]:
    """All that a reader of this course may see, by the catalogue (without its language) that translates it."""
    found = {course.root / "assignments" / "course": _titles(course)}
    for exercise in course.exercises:
        found[exercise.stub.with_suffix("")] = list(_prompt(exercise))
        found[exercise.public.with_suffix("")] = list(_grader(exercise, exercise.public))
        if course.has_hidden_files:
            hidden = [*_grader(exercise, exercise.hidden), *_misconceptions(exercise)]
            found[exercise.hidden.with_suffix("")] = hidden
    return {path: texts for path, texts in found.items() if texts}


def engine_texts() -> list[Text]:
    """All that the commands, the pages and the graders' assertions say."""
    package = Path(__file__).parent
    found: list[Text] = []
    for path in sorted(package.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.stem in ONLY_RAISE:
            raised = (node for node in ast.walk(tree) if isinstance(node, ast.Raise))
            found += [text for node in raised for text in _strings(node, path.name)]
        else:
            found += [*_strings(tree, path.name), *_commands(tree, path.name)]
    for path in sorted((package / "templates").glob("*.jinja")):
        said = _SAID_ON_A_PAGE.findall(path.read_text(encoding="utf-8"))
        found += [
            Text(text.encode().decode("unicode_escape"), path.name, only_said=True) for text in said if text.isascii()
        ]
    return found


def update(course: Course | None, language: str) -> dict[Path, list[str]]:
    """Bring the catalogues up to date, those of the engine for no course; what each still has to translate.

    Translations are kept; those of texts that are no more are dropped.
    """
    texts = course_texts(course) if course else {ENGINE_CATALOGUES / "headcheck": engine_texts()}
    return {path: left for stem, found in texts.items() if (left := _update(path := catalogue(stem, language), found))}


def untranslated(path: Path, texts: list[Text]) -> list[str]:
    """What of the texts the catalogue does not have."""
    known = read_catalogue(path)
    return [text for text in dict.fromkeys(one.text for one in texts) if not known.get(text)]


def _update(path: Path, texts: list[Text]) -> list[str]:
    known = read_catalogue(path)
    made = {one.text for one in texts if not one.only_said}
    new = Catalog(charset="utf-8")
    for one in texts:
        comments = () if one.text in made else (ONLY_SAID,)
        new.add(one.text, string=known.get(one.text, ""), locations=[(one.place, 0)], auto_comments=comments)
    written = io.BytesIO()
    write_po(written, new, width=WIDTH, omit_header=True, include_lineno=False)
    if not path.is_file() or path.read_bytes() != written.getvalue():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, written.getvalue())
    return untranslated(path, texts)


def _titles(course: Course) -> list[Text]:
    titles = [course.title, *course.sections.values(), *(exercise.title for exercise in course.exercises)]
    return [Text(title, "course.toml") for title in titles]


def _prompt(exercise: Exercise) -> Iterator[Text]:
    """The paragraphs of the stub's docstrings, and of the question in words."""
    for docstring in docstrings(exercise.stub_text().decode()):
        yield from (Text(part, exercise.stub.name) for part in paragraphs(docstring))
    if exercise.question.is_file():
        question = read_question(exercise.question)
        parts = [question.title, *paragraphs(question.text), *(criterion.text for criterion in question.rubric)]
        yield from (Text(part, exercise.question.name) for part in parts)


def docstrings(source: str) -> list[str]:
    """Those of the file and of what it defines, in order."""
    tree = ast.parse(source)
    nodes = [tree, *(node for node in ast.walk(tree) if isinstance(node, _Defined))]
    return [text for node in nodes if (text := ast.get_docstring(node))]


def paragraphs(text: str) -> list[str]:
    """The parts between blank lines that hold letters."""
    return [part for part in text.split("\n\n") if any(character.isalpha() for character in part)]


def _grader(exercise: Exercise, path: Path) -> Iterator[Text]:
    if not path.is_file():
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list and (text := ast.get_docstring(node)):
            yield Text(text.splitlines()[0], path.name)
    yield from _strings(tree, path.name)
    parameters = {node.arg for node in ast.walk(ast.parse(exercise.stub_text())) if isinstance(node, ast.arg)}
    yield from (Text(word, path.name) for word in _fillers(tree) if _WORD.fullmatch(word) and word not in parameters)


def _fillers(tree: ast.Module) -> Iterator[str]:
    """What an assertion is about, what the values are called that it shows, and what is said for nothing."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="what", value=ast.Constant(value=str(word))):
                yield word
            case ast.keyword(arg="got" | "wanted", value=ast.Dict(keys=keys)):
                yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
            case ast.Call(func=ast.Name(id="assert_that"), keywords=keywords):
                yield from (keyword.arg for keyword in keywords if keyword.arg and keyword.arg != "got")
            case ast.BoolOp(op=ast.Or(), values=[*_, ast.Constant(value=str(word))]):
                yield word


def _misconceptions(exercise: Exercise) -> Iterator[Text]:
    path = exercise.misconceptions
    if not path.is_file():
        return
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, _Defined) and node.name[0] != "_" and (text := ast.get_docstring(node)):
            yield Text(" ".join(text.split()), path.name)


def _commands(tree: ast.Module, place: str) -> Iterator[Text]:
    """What `--help` says: the docstrings of functions that are commands."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            calls = [call.func for call in node.decorator_list if isinstance(call, ast.Call)]
            command = any(isinstance(call, ast.Attribute) and call.attr in ("command", "group") for call in calls)
            if command and (text := ast.get_docstring(node)):
                yield Text(text, place)


def _strings(tree: ast.AST, place: str) -> Iterator[Text]:
    """Every string of several words but docstrings, for it may be shown, and all of `say`; f-strings as templates."""
    passed: set[ast.AST | None] = set()
    placed = [node for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt)]
    for node in sorted(placed, key=lambda node: (node.lineno, node.col_offset)):  # whole before parts, as in the walk
        if node in passed:
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(node.value)
        elif isinstance(node, ast.Call) and (word := _said(node)):
            passed.add(word)
            yield Text(str(word.value), place, only_said=True)
        elif _is_pattern(node):
            passed.update(ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            passed.update(part for part in node.values if isinstance(part, ast.Constant))
            passed.update(part.format_spec for part in node.values if isinstance(part, ast.FormattedValue))
            yield from _shown(_template(node), place)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _shown(node.value, place)


def _is_pattern(node: ast.AST) -> bool:
    """A regular expression, or the shape or the choice that an annotation names."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).startswith("re.")
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("Literal", "Float", "Int", "Bool")


def _said(call: ast.Call) -> ast.Constant | None:
    """The text of `say("...")`, which may be a single word."""
    word = call.args[0] if call.args and ast.unparse(call.func) == "say" else None
    return word if isinstance(word, ast.Constant) and isinstance(word.value, str) else None


def _shown(text: str, place: str) -> Iterator[Text]:
    """A text that may be shown, paragraph by paragraph."""
    if not text.startswith("\n") and not _SOURCE.fullmatch(text):
        yield from (Text(part, place) for part in text.rstrip("\n").split("\n\n") if _WORDS.search(part))


def _template(string: ast.JoinedStr) -> str:
    """`f"{len(rows)} rows of {name}"` as `{rows} rows of {name}`; each placeholder with a name of its own."""
    parts: list[str] = []
    taken: set[str] = set()
    for value in string.values:
        if isinstance(value, ast.FormattedValue):
            name = _placeholder(value.value, taken)
            taken.add(name)
            parts.append(f"{{{name}}}")
        else:
            constant: Any = value
            parts.append(str(constant.value).replace("{", "{{").replace("}", "}}"))
    return "".join(parts)


def _placeholder(value: ast.expr, taken: set[str]) -> str:
    """The last name in an expression, which mostly says what it is."""
    names = [name for name in _NAME.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", ast.unparse(value))) if name != "self"]
    name = names[-1] if names else "value"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}{number}", number + 1
    return unique
