"""Clues: where an exception arose in the student's lines, and what is seen of its cause; whatever objects are there."""

from __future__ import annotations

import linecache
from types import ModuleType

import pytest
import torch
from torch import nn

from headcheck.clues import MAX_SHOWN, Called, clue_of, names_of, place_of
from headcheck.protocol import MAX_CLUE, Place

FILES = {"s/a.py": False, "s/b.py": True}


@pytest.fixture
def module_of(monkeypatch):
    """Runs a text as the file `s/a.py`, or another, as a worker does."""

    def run(text, file="s/a.py", **names):
        module = ModuleType(file.removesuffix(".py").replace("/", "."))
        module.__dict__.update(names)
        monkeypatch.setitem(linecache.cache, file, (len(text), None, text.splitlines(keepends=True), file))
        exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)
        return module

    return run


def caught(function, *args):
    """What a call raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011  (the kind is not the point)
        function(*args)
    return caught.value


def test_the_place_is_the_innermost_line_of_the_students(module_of):
    """Not the line of the library in which it ends, and with the tensors that the line names."""
    text = "import torch\ndef f(X, n):\n    y = n\n    return torch.softmax(X, n)\n"
    error = caught(module_of(text).f, torch.ones(2, 3), 7)
    assert place_of(error, FILES, {}) == Place(
        "s/a.py", 4, "    return torch.softmax(X, n)", "f", ["X: float32 (2, 3)"]
    )


def test_tensors_of_the_object_are_named_too(module_of):
    """With `self.` before them, as they are written."""
    text = "class M(nn.Module):\n    def forward(self, x):\n        return self.w @ x\n"
    model = module_of(text, nn=nn).M()
    model.w = torch.ones(2, 3)
    place = place_of(caught(model, torch.ones(2, 1)), FILES, {})
    assert place.tensors == ["self.w: float32 (2, 3)", "x: float32 (2, 1)"]


def test_a_line_of_an_earlier_exercise_is_marked(module_of):
    """It is where to begin."""
    earlier = module_of("def g():\n    return 1 / 0\n", "s/b.py")
    place = place_of(caught(module_of("def f():\n    return g()\n", g=earlier.g).f), FILES, {})
    assert (place.file, place.line, place.earlier) == ("s/b.py", 2, True)


def test_what_arose_elsewhere_has_no_place():
    """A call with the wrong arguments, say."""
    assert place_of(caught(lambda: 1 / 0), FILES, {}) is None


def test_a_line_of_a_notebook_is_counted_in_its_cell(module_of):
    """As the student sees it."""
    error = caught(module_of("# cell\n\ndef f():\n    return 1 / 0\n").f)
    place = place_of(error, FILES, {"s/a.py": [("", 0), ("f", 1), ("f", 2), ("f", 3)]})
    assert (place.cell, place.line) == ("f", 3)


def test_a_long_line_is_cut(module_of):
    """A place stays small."""
    place = place_of(caught(module_of(f"def f():\n    return 1 / 0  # {'x' * 999}\n").f), FILES, {})
    assert len(place.text) == MAX_SHOWN


def test_endless_recursion_is_placed_where_it_begins(module_of):
    """In which line the limit strikes is an accident."""
    error = caught(module_of("def f(n):\n    g = [n]\n    return f(len(g))\n").f, 1)
    assert place_of(error, FILES, {}).line == 3
    assert clue_of(error, FILES, None) == ["recursion"]


def test_names_are_looked_for_where_the_line_stands(module_of):
    """In the object, among the function's own, and among the file's."""
    text = (
        "class M:\n    def __init__(self): self.drop = 1\n    def f(self): return drop\n"
        "    def g(self):\n        weights = 1\n        return weigths\n    def h(self): return Nn\n"
    )
    model = module_of(text).M()
    assert clue_of(caught(model.f), FILES, None) == ["of_self", "drop"]
    assert clue_of(caught(model.g), FILES, None) == ["near", "weigths", "weights"]
    assert clue_of(caught(model.h), FILES, None) == ["unknown", "Nn"]


CLASS = """class M(nn.Module):
    def __init__(self, size):
        super().__init__()

    def {}:
        return x
"""
NESTED = CLASS.format("go(self, x)").replace("    def go", "        def forward").replace("return", "    return")


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        (CLASS.format("foward(self, x)"), ["method", "M", "forward", "foward"]),
        (CLASS.format("go(self, x)"), ["no_method", "M", "forward"]),
        (CLASS.format("go(self, x)") + "def forward(self, x): pass\n", ["outside", "forward", "M"]),
        (NESTED, ["inside", "forward", "M.__init__", "__init__"]),
        (CLASS.format("forward(x)"), ["no_self", "M.forward", "forward", "self, x"]),
        (CLASS.format("forward(self)"), ["arguments", "M.forward", "0", "", "1", "float32 (2,)"]),
    ],
)
def test_a_module_without_a_right_forward_is_looked_through(module_of, text, clue):
    """Misspelt, missing, outside, inside, without self, with other parameters."""
    model = module_of(text, nn=nn).M(3)
    called = Called(model, [torch.ones(2)], {})
    assert clue_of(caught(model, torch.ones(2)), FILES, called) == clue


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("def f(a, b): pass", ["arguments", "f", "2", "a, b", "2", "float32 (2,), n=None"]),
        ("class f: pass", ["class", "f"]),
        ("class F:\n    def _init_(self, a, b): pass\nf = F", ["method", "F", "__init__", "_init_"]),
        ("class F:\n    def __init__(a, b): pass\nf = F", ["no_self", "F.__init__", "__init__", "self, a, b"]),
    ],
)
def test_a_call_that_does_not_fit_is_compared_with_what_was_given(module_of, text, clue):
    """By the names and the number of the parameters."""
    f = module_of(text).f
    args, kwargs = [torch.ones(2)], {"n": None}
    assert clue_of(caught(lambda: f(*args, **kwargs)), FILES, Called(f, args, kwargs)) == clue


def test_a_call_that_fits_has_no_such_clue(module_of):
    """The exception came from further down."""
    f = module_of("def f(a): raise TypeError('odd')").f
    assert clue_of(caught(f, 1), FILES, Called(f, [1], {})) == []
    assert clue_of(TypeError("odd"), FILES, Called(f, [1], {})) == []


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("def mask(x): pass", ["renamed", "mask", "masks"]),
        ("class Mask_S: pass", ["renamed", "Mask_S", "masks"]),
        ("def weigh(x): pass\nclass Other: pass", ["others", "`weigh`, `Other`", "masks"]),
        ("x = 1\nfrom math import sqrt\ndef _own(): pass", ["undefined", "masks"]),
        ("def outer():\n    def masks(x): pass", ["inside", "masks", "outer", "outer"]),
        ("class Outer:\n    def masks(self, x): pass", ["inside", "masks", "Outer", "Outer"]),
    ],
)
def test_a_file_is_looked_through_for_what_it_does_not_define(module_of, text, clue):
    """What is nearly called so, what else it defines, what is indented into something else."""
    assert names_of(module_of(text), "masks") == clue


def test_clues_are_bounded(module_of):
    """In number and length; a file may define anything."""
    names = names_of(module_of("\n".join(f"def {'x' * 99}{n}(): pass" for n in range(99))), "masks")
    assert len(names) <= MAX_CLUE
    assert all(len(name) <= MAX_SHOWN for name in names)
    error = caught(module_of(f"def f(): return {'x' * 999}").f)
    assert max(map(len, clue_of(error, FILES, None))) == MAX_SHOWN


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("import maskd", ["no_library", "maskd"]),
        ("import s.softmx", ["near", "s.softmx", "s.softmax"]),
        ("import softmx", ["near", "softmx", "softmax"]),
        ("import other.exercise", ["no_exercise", "other/exercise.py"]),
        ("from math import squirt", []),
    ],
)
def test_an_import_is_looked_for_among_the_students_files(module_of, text, clue):
    """A library, another exercise, or a slip of the pen."""
    error = ModuleNotFoundError(name=text.split()[1]) if text.startswith("import") else caught(module_of, text)
    assert clue_of(error, FILES | {"s/softmax.py": True}, None) == clue
