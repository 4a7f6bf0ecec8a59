"""Inside the sandbox: what is left of a text of Python when names, order and layout are taken away.

Each function, and what else each class and the module say, becomes a row of labels: its syntax tree from the top down.
All names that the text itself gives are one label; what is imported goes by its own name, wherever it is imported from;
`X.softmax(-1)` and `torch.softmax(X, dim=-1)` are the same. Imports, annotations, decorators, docstrings and comments
are gone; keywords are put in order, and so are the two sides of a sum, a product or a comparison. `PIECE` labels in a
row are a *piece*, known by a hash. These are the fingerprints of Schleimer, Wilkerson and Aiken (Winnowing, 2003) with
a window of one: exercises are so short that none has to be left out.

Nothing is run here, but parsing alone can use up time and memory: a student's text is parsed where that does no harm.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from importlib.abc import InspectLoader
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

PIECE = 8
MAX_TEXT = 64 * 1024
"""Characters of one exercise; more is nobody's own code."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_GONE = (ast.Import, ast.ImportFrom, ast.Pass, ast.expr_context)
_EITHER_WAY = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)
_TURNED = {"Gt": "Lt", "GtE": "LtE"}
_LARGEST = 1e300  # of numbers that are told apart


class TooLong(ValueError):
    """A text with more characters than are looked at."""


class Label(NamedTuple):
    """A part of a syntax tree, and the line on which it stands; 0: that of the part before it."""

    text: str
    line: int


class Outline(NamedTuple):
    """Of each label the piece that begins there (0: what is left of its row is shorter), and its line."""

    pieces: list[int]
    lines: list[int]


def outline(text: str) -> Outline:
    """The outline of a text; raises SyntaxError, ValueError, RecursionError or MemoryError where it has none."""
    if len(text) > MAX_TEXT:
        raise TooLong(len(text))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes and the like
        tree = ast.parse(text)
    pieces: list[int] = []
    lines: list[int] = []
    for row in _rows(tree.body, _Reader(tree)):
        pieces += [_hash(row[start : start + PIECE]) for start in range(len(row))]
        for label in row:
            lines.append(label.line or lines[-1])
    return Outline(pieces, lines)


def outline_of(module: str) -> tuple[str, Tensor] | None:
    """The text of a module that was loaded beside this one, and its outline in two rows; None if there is none."""
    import torch  # which is there, in the sandbox; who wants outlines elsewhere does not need it

    loader = __spec__.loader if __spec__ else None
    text = loader.get_source(module) if isinstance(loader, InspectLoader) else None
    return None if text is None else (text, torch.tensor(outline(text), dtype=torch.int64))


def _hash(labels: list[Label]) -> int:
    if len(labels) < PIECE:
        return 0
    text = " ".join(label.text for label in labels)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) or 1


def _rows(body: list[ast.stmt], reader: _Reader) -> Iterator[list[Label]]:
    """One of each function or method, and one of all else in each class and in the module."""
    rest: list[Label] = []
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _rows(statement.body, reader)
        elif isinstance(statement, _Function):
            yield reader.visit(statement)
        else:
            rest += reader.visit(statement)
    yield rest


class _Reader(ast.NodeVisitor):
    """Visits a node as the labels of all that it holds; knows which names are the text's own, and which imported."""

    def __init__(self, tree: ast.Module) -> None:
        self._own: set[str] = set()
        self._own_attributes: set[str] = set()
        self._imported: dict[str, str] = {}
        for node in ast.walk(tree):
            match node:
                case ast.Import() | ast.ImportFrom():
                    for alias in node.names:
                        self._imported[alias.asname or alias.name.partition(".")[0]] = alias.name.rpartition(".")[2]
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    self._own.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    self._own.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()):
                    self._own_attributes.add(name)

    def visit(self, node: ast.AST) -> list[Label]:
        labels: list[Label] = [] if isinstance(node, _GONE) else super().visit(node)
        return labels

    def generic_visit(self, node: ast.AST) -> list[Label]:
        if isinstance(node, _Function):
            return self._function(node)
        return [_label(type(node).__name__, node), *self._all(ast.iter_child_nodes(node))]

    def _all(self, nodes: Iterable[ast.AST]) -> list[Label]:
        return [label for node in nodes for label in self.visit(node)]

    def visit_Expr(self, node: ast.Expr) -> list[Label]:
        return [] if isinstance(node.value, ast.Constant) else self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[Label]:
        return [_label("Assign", node), *self._all([node.target, node.value])] if node.value else []

    def _function(self, node: _Function) -> list[Label]:
        taken = node.args
        parameters = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
        defaults = [default for default in (*taken.defaults, *taken.kw_defaults) if default]
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        return [_label("def", node), *self._all([*parameters, *defaults, *body])]

    def visit_arg(self, node: ast.arg) -> list[Label]:
        return [_label("?", node)]

    def visit_Name(self, node: ast.Name) -> list[Label]:
        return [_label("?" if node.id in self._own else self._imported.get(node.id, node.id), node)]

    def visit_Attribute(self, node: ast.Attribute) -> list[Label]:
        name = _label("?." if node.attr in self._own_attributes else node.attr, node)
        return [name] if self._is_imported(node.value) else [name, *self.visit(node.value)]

    def _is_imported(self, node: ast.expr) -> bool:
        """Whether it is a module or a class from elsewhere, or within one."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self._imported and node.id not in self._own

    def visit_Call(self, node: ast.Call) -> list[Label]:
        keywords = sorted(node.keywords, key=lambda keyword: keyword.arg or "")
        return [_label("Call", node), *self._all([node.func, *node.args, *keywords])]

    def visit_keyword(self, node: ast.keyword) -> list[Label]:
        return self.visit(node.value)

    def visit_BinOp(self, node: ast.BinOp) -> list[Label]:
        sides = [self.visit(node.left), self.visit(node.right)]
        if isinstance(node.op, _EITHER_WAY):
            sides.sort(key=lambda side: [label.text for label in side])
        return [_label(type(node.op).__name__, node), *sides[0], *sides[1]]

    def visit_Compare(self, node: ast.Compare) -> list[Label]:
        names = [type(operation).__name__ for operation in node.ops]
        sides = [node.left, *node.comparators]
        if len(names) == 1 and names[0] in _TURNED:
            names, sides = [_TURNED[names[0]]], sides[::-1]
        return [*(_label(name, node) for name in names), *self._all(sides)]

    def visit_Constant(self, node: ast.Constant) -> list[Label]:
        return [_label(_constant(node.value), node)]


def _label(text: str, node: ast.AST) -> Label:
    return Label(text, getattr(node, "lineno", 0))


def _constant(value: object) -> str:
    """A number by its value, any text as a text."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST:
        return repr(float(value))
    return str(value) if value is None or isinstance(value, bool) else type(value).__name__
