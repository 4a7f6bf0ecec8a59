"""Inside the sandbox: the code of exercises, taken out of a notebook that is read and never run.

A section's notebook has a code cell for each exercise, whose id (`cell_id`) says so. An exercise's text is made of

1. its own cells: the one with its id, and, where ids were lost, copied or mixed up, those that define what it asks for;
   several count in their order, but an untouched one gives way to any in which something was written;
2. imports of the exercises before it that they name, `from scoring.masked_softmax import masked_softmax`;
3. of all other cells the statements that bind a name which these lines use, and what such statements use in turn: the
   student's imports, constants and helper functions. What only acts, a call or a print, is no part of it.

Everything keeps the order of the notebook. Magics, shell lines and help are left out, with a finding. This module
reads hostile bytes, so it is imported where they may do no harm, and imports nothing but the standard library.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import symtable
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeGuard

from headcheck.errors import NotHandedIn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

NBFORMAT = 4
MAX_ID = 64
MAX_MAGICS = 100
MAX_FINDING = 300
OWN_MAGICS = ("%load_ext headcheck", "%check")
PYTHON_MAGICS = ("%%time", "%%capture", "%%prun")  # what stands below them runs here, as Python

_MAGIC = re.compile(r"[%!?]|[\w.,\s]+=\s*[%!]|.*\?$")

_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)


def cell_id(module: str, role: str) -> str:
    """The id of a cell, `scoring-masked_softmax-code`; what would be too long or not ASCII becomes a hash."""
    name = f"{module.replace('.', '-')}-{role}"
    if len(name) <= MAX_ID and name.isascii():
        return name
    return f"{hashlib.sha256(module.encode()).hexdigest()[:32]}-{role}"


@dataclass(frozen=True)
class Taken:
    """The text of each exercise that the notebook holds, by module, and what the student should know about each.

    `cells` says of each line of a text what its cell defines, and which line of the cell it is (0: not told).
    """

    sources: dict[str, bytes]
    findings: dict[str, list[str]]
    cells: dict[str, list[tuple[str, int]]]


def sources_of(data: bytes, stubs: Mapping[str, bytes], available: Collection[str], *, name: str) -> Taken:
    """Take the exercises of a section out of its notebook, `name` in what is said of it.

    `stubs` are the texts that the section's exercises were handed out with (empty where there is none), by module:
    they say what each asks for. What belongs to an exercise that is `available` as a module is imported from there.
    Raises NotHandedIn when the bytes are no notebook.
    """
    cells, remarks = _read(data, name)
    asked = {module: _blueprint(module, stub, cells) for module, stub in stubs.items()}
    _assign(cells, asked)
    sources: dict[str, bytes] = {}
    findings: dict[str, list[str]] = {}
    lines: dict[str, list[tuple[str, int]]] = {}
    for module, names in asked.items():
        own = [cell for cell in cells if module in cell.owners]
        own = [cell for cell in own if not is_blank(cell.text)] or own
        if own:
            earlier = [other for other in asked if other in available and other != module]
            homes = {theirs: other for other in earlier for theirs in asked[other]}
            strangers = [cell for cell in cells if cell.kind == "code" and not cell.ours and module not in cell.owners]
            parts = _compose(own, strangers, homes)
            sources[module] = "\n".join(part.text for part in parts).encode(errors="replace")
            lines[module] = [line for part in parts for line in part.lines()]
        said = [
            *([] if own else [_not_found(module, names, name)]),
            *_left_behind(own, cells),
            *remarks,
            *_about(module, names, own, cells),
        ]
        findings[module] = [finding[:MAX_FINDING] for finding in said]
    return Taken(sources, findings, lines)


def is_blank(text: str | bytes) -> bool:
    """Whether nothing was written yet: all functions have blank bodies, or there is nothing but imports and texts.

    What is no Python is not blank.
    """
    tree = _parse(text)
    if tree is None:
        return False
    parts = [part for node in tree.body for part in (node.body if isinstance(node, ast.ClassDef) else [node])]
    functions = [part for part in parts if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
    if functions:
        return all(_does_nothing(statement) for function in functions for statement in function.body)
    return all(isinstance(part, ast.Import | ast.ImportFrom) or _does_nothing(part) for part in parts)


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass) or ast.unparse(statement) == "super().__init__()":
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


# What is in the file


@dataclass(eq=False)
class _Cell:
    """One cell; `owners` are the exercises whose own it is, `ours` when it is there for a person to try things in."""

    number: int
    id: str
    kind: str
    source: str
    hidden: bool
    owners: list[str] = field(default_factory=list)
    ours: bool = False

    @cached_property
    def python(self) -> _Python:
        """What is left of a code cell without what only a notebook understands."""
        return _without_magics(self)

    @property
    def text(self) -> str:
        return self.python.text

    @property
    def body(self) -> list[ast.stmt]:
        return self.python.tree.body if self.python.tree else []

    @cached_property
    def binds(self) -> list[tuple[ast.stmt, set[str]]]:
        """Its statements, each with the names that it binds."""
        return [(statement, _bound(statement)) for statement in self.body]

    @property
    def name(self) -> str:
        """How its student finds it: by the first thing that it defines, also where it is no Python."""
        found = _DEFINITION.search(self.source)
        return found[1] if found else min(self.defines, default="")

    @cached_property
    def defines(self) -> set[str]:
        """The functions and classes that it defines, and the names that it gives values to."""
        return {name for _, names in self.binds for name in names}


@dataclass(frozen=True)
class _Python:
    """The text of a cell and its tree (None when it is no Python), and the lines that were left out."""

    text: str
    tree: ast.Module | None
    left_out: list[str]


def _read(data: bytes, name: str) -> tuple[list[_Cell], list[str]]:
    """The cells of a notebook, and what there is to say of it as a whole; raises NotHandedIn if it is none."""
    odd: list[str] = []

    def remember(constant: str) -> None:
        odd.append(constant)

    try:
        content = json.loads(data, parse_constant=remember)
    except RecursionError as error:
        raise NotHandedIn(f"{name} is not a notebook: it is nested too deeply") from error
    except ValueError as error:  # of JSON, of its encoding, of endless numbers
        if not data.strip():
            raise NotHandedIn(f"{name} is empty: save the notebook (Ctrl+S) and check again") from error
        raise NotHandedIn(f"{name} is not a notebook: {str(error)[:100]}") from error
    if not (isinstance(content, dict) and isinstance(content.get("cells", content.get("worksheets")), list)):
        raise NotHandedIn(f"{name} is not a notebook: it has no list of cells")
    version = content.get("nbformat")
    if version != NBFORMAT or "cells" not in content:
        shown = version if isinstance(version, int) else "of its own"
        raise NotHandedIn(f"{name} has nbformat {shown}; save it as nbformat {NBFORMAT}, as Jupyter does")
    remarks = [f"{name} is not quite JSON (it holds {odd[0]}); it was read all the same"] if odd else []
    language = _language(content.get("metadata"))
    if language != "python":
        remarks.append(f"{name} says that it is written in {language!r:.40}; it was read as Python")
    return [_cell(number, cell) for number, cell in enumerate(content["cells"], start=1)], remarks


def _language(metadata: Any) -> str:
    """The language that a notebook says it is in; Python when it says nothing."""
    for part, key in (("kernelspec", "language"), ("language_info", "name"), ("kernelspec", "name")):
        said = _within(metadata, part, key)
        if isinstance(said, str):
            return "python" if said.lower().startswith(("python", "ipython")) else said
    return "python"


def _cell(number: int, content: Any) -> _Cell:
    source = _within(content, "source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    hidden = _within(content, "metadata", "jupyter", "source_hidden") is True
    texts = (_within(content, "id"), _within(content, "cell_type"), source)
    own_id, kind, text = (text if isinstance(text, str) else "" for text in texts)
    return _Cell(number, own_id, kind, text, hidden)


def _within(value: Any, *path: str) -> Any:
    """What stands there, if each step of the way is an object that has it."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


# What is Python


def _without_magics(cell: _Cell) -> _Python:
    """Replace what only a notebook understands by `pass`: lines at which Python's own parser gives up, no others."""
    lines = cell.source.replace("\r\n", "\n").split("\n")
    left_out: list[str] = []
    if lines[0].startswith("%%"):
        below = lines[1:] if lines[0].split()[0] in PYTHON_MAGICS else []
        left_out.append(f"cell {cell.number}: `{lines[0][:60]}`" + ("" if below else " and all of the cell"))
        lines = ["", *below]
    for _ in range(MAX_MAGICS):
        text = "\n".join(lines)
        tree, wrong = _parsed(text)
        if tree or not 0 < wrong <= len(lines) or not _MAGIC.match(lines[wrong - 1].strip()):
            break
        line = lines[wrong - 1]
        if not line.strip().startswith(OWN_MAGICS):
            left_out.append(f"cell {cell.number}, line {wrong}: `{line.strip()[:60]}`")
        lines[wrong - 1] = line[: len(line) - len(line.lstrip())] + "pass"
        while line.endswith("\\") and wrong < len(lines):
            line, lines[wrong] = lines[wrong], ""
            wrong += 1
    return _Python(text, tree, left_out)


def _parse(text: str | bytes) -> ast.Module | None:
    return _parsed(text)[0]


def _parsed(text: str | bytes) -> tuple[ast.Module | None, int]:
    """The tree of a text, or None and the line at which it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes and the like
            tree = ast.parse(text)
            ast.unparse(tree)  # what is nested too deeply to be written again is left as it is
            return tree, 0
    except SyntaxError as error:
        return None, error.lineno or 0
    except (ValueError, RecursionError, MemoryError):  # a NUL, a text that is nested too deeply
        return None, 0


def _bound(statement: ast.stmt) -> set[str]:
    """The names of the module that a statement binds, or changes an attribute or an item of."""
    table = _table(statement)
    names = {
        symbol.get_name()
        for symbol in (table.get_symbols() if table else [])
        if symbol.is_assigned() or symbol.is_imported()
    }
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    for target in targets:
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value  # noqa: PLW2901  (down to the name in front)
        if isinstance(target, ast.Name):
            names.add(target.id)
    return names


def _used(tree: ast.AST) -> set[str]:
    """The names of the module that a text reads, in its functions and classes too."""
    return set(_globals(_table(tree), top=True))


def _globals(table: symtable.SymbolTable | None, *, top: bool = False) -> Iterator[str]:
    if table is None:
        return
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)


def _table(tree: ast.AST) -> symtable.SymbolTable | None:
    """Which name belongs to which scope, or None for what parses and still is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return symtable.symtable(ast.unparse(tree), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# Whose it is


def _blueprint(module: str, stub: bytes, cells: list[_Cell]) -> set[str]:
    """The names that an exercise asks for: those its stub defines or, without one, the cell that has its id."""
    tree = _parse(stub) if stub else None
    by_id = [cell for cell in cells if cell.kind == "code" and cell.id == cell_id(module, "code")]
    bodies = [tree.body] if tree else [cell.body for cell in by_id[:1]]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for body in bodies for node in body if isinstance(node, kinds) and node.name[0] != "_"}


def _assign(cells: list[_Cell], asked: Mapping[str, set[str]]) -> None:
    """Say of each code cell whose it is: by its id when it defines what that says, or nothing; else by what it does."""
    by_id = {cell_id(module, "code"): module for module in asked}
    sections = {module.partition(".")[0] for module in asked}
    others = {cell_id(module, role) for module in asked for role in ("example", "check")}
    others |= {cell_id(section, "setup") for section in sections}
    for cell in cells:
        if cell.kind != "code":
            continue
        defining = [module for module, names in asked.items() if names & cell.defines]
        named = by_id.get(cell.id)
        cell.owners = [named] if named and (named in defining or not defining) else defining
        cell.ours = cell.id in others and not cell.owners


def _not_found(module: str, names: set[str], name: str) -> str:
    """What to say of a notebook without the cell of an exercise."""
    if names:
        listing = ", ".join(f"`{each}`" for each in sorted(names))
        return f"{name} has no cell that defines {listing}. If yours does, save the notebook (Ctrl+S) and check again"
    return f"{name} has no code cell with the id {cell_id(module, 'code')}, nor one that defines what it asks for"


def _left_behind(own: list[_Cell], cells: list[_Cell]) -> list[str]:
    """The functions and classes that an exercise uses, and only cells define that are there to try things in."""
    used = {name for cell in own if cell.python.tree for name in _used(cell.python.tree)}
    elsewhere = {name for cell in cells if cell.kind == "code" and not cell.ours for name in cell.defines}
    tried = [(cell, used & set(_DEFINITION.findall(cell.text)) - elsewhere) for cell in cells if cell.ours]
    return [
        f"cell {cell.number} is there to try things and does not count: move {', '.join(sorted(names))} to another one"
        for cell, names in tried
        if names
    ]


def _about(module: str, names: set[str], own: list[_Cell], cells: list[_Cell]) -> list[str]:
    """What the student should know of how an exercise was found, and what was left out of it."""
    wanted = cell_id(module, "code")
    with_id = [cell for cell in cells if cell.id == wanted]
    said = [f"cell {cell.number} has the id {wanted} and is no code cell" for cell in with_id if cell.kind != "code"]
    if len(with_id) > 1:
        numbers = ", ".join(str(cell.number) for cell in with_id)
        said.append(f"the cells {numbers} share the id {wanted}; where they define the same, the last one counts")
    for cell in own:
        if cell.id != wanted:
            said.append(f"cell {cell.number} was taken because it defines {', '.join(sorted(names & cell.defines))}")
        if cell.hidden:
            said.append(f"cell {cell.number} is hidden in the notebook, and counts like any other")
    for cell in cells:
        if cell.kind != "code" or cell.ours or (cell.owners and cell not in own):
            continue
        said += [
            f"{left_out} was left out: magics, shell lines and help are not run" for left_out in cell.python.left_out
        ]
        if cell.python.tree is None and not cell.owners:
            said.append(f"cell {cell.number} is no Python and was left out")
    return said


# What it says


@dataclass(frozen=True)
class _Part:
    """Some lines of an exercise's text, and what the cell they are from defines; `first` is their place in it."""

    text: str
    cell: str = ""
    first: int = 0

    def lines(self) -> list[tuple[str, int]]:
        """Of each line the cell, and its number there; 0 where the text was written anew."""
        count = len(self.text.split("\n"))
        return [(self.cell, self.first + line if self.first else 0) for line in range(count)]


def _compose(own: list[_Cell], strangers: list[_Cell], homes: Mapping[str, str]) -> list[_Part]:
    """The text of an exercise: its own cells, and of the others what these need, in the order of the notebook."""
    here = {name for cell in own for name in cell.defines}
    plain = [ast.Module([part for part in cell.body if not _is_future(part)], []) for cell in own]
    wanted = {name for tree in plain for name in _used(tree) - here}  # those in annotations, too
    borrowed, imported = _borrow(wanted, strangers, homes)
    future: list[str] = []
    parts: list[_Part] = []
    for cell in sorted([*own, *strangers], key=lambda cell: cell.number):
        if cell in own:
            text, names = _without_future(cell)
            future += names
            parts += [_Part(f"# cell {cell.number}"), _Part(text, cell.name, 1)]
        else:
            parts += [_Part(ast.unparse(statement), cell.name) for statement in cell.body if statement in borrowed]
    head = [f"from __future__ import {', '.join(dict.fromkeys(future))}"] if future else []
    return [*map(_Part, [*head, *imported]), *parts]


def _borrow(wanted: Iterable[str], strangers: list[_Cell], homes: Mapping[str, str]) -> tuple[set[ast.stmt], list[str]]:
    """The statements of other cells that bind these names, and in turn what those use; and what is imported."""
    free = [cell for cell in strangers if not cell.owners]
    others = [cell for cell in strangers if cell.owners]
    first, second = _binders(free), _binders(others)  # the student's own cells go before those of other exercises
    borrowed = {statement for cell in free for statement in cell.body if _binds_anything(statement)}
    imported: dict[str, str] = {}
    seen: set[str] = set()
    waiting = sorted(wanted)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in homes:
            imported[name] = f"from {homes[name]} import {name}"
            continue
        for statement in first.get(name) or second.get(name, []):
            if statement not in borrowed:
                borrowed.add(statement)
                waiting += sorted(_used(statement))
    return borrowed, [imported[name] for name in sorted(imported)]


def _binders(cells: list[_Cell]) -> dict[str, list[ast.stmt]]:
    """The statements that bind each name."""
    found: dict[str, list[ast.stmt]] = defaultdict(list)
    for statement, names in (pair for cell in cells for pair in cell.binds):
        for name in names if not _is_future(statement) else ():
            found[name].append(statement)
    return found


def _binds_anything(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"


def _is_future(statement: ast.stmt) -> TypeGuard[ast.ImportFrom]:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _without_future(cell: _Cell) -> tuple[str, list[str]]:
    """A cell's text with its imports from `__future__` taken out, which must come first of all, and their names."""
    lines = cell.text.split("\n")
    names: list[str] = []
    for statement in cell.body:
        if _is_future(statement):
            names += [alias.name for alias in statement.names]
            first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
            rest = lines[last].encode()[statement.end_col_offset :].decode()
            lines[first : last + 1] = ["pass" + rest, *[""] * (last - first)]
    return "\n".join(lines), names
