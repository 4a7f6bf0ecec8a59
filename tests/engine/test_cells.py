"""Notebooks: whose a cell is, what comes along with it, and that no bytes can do more than be refused."""

from __future__ import annotations

import json

import nbformat
import pytest

from headcheck.cells import MAX_FINDING, cell_id, is_blank, sources_of
from headcheck.errors import NotHandedIn

STUBS = {
    "s.a": b"def a(x): ...",
    "s.b": b"from s.a import a\n\ndef b(x):\n    '''Twice a.'''\n    ...\n",
    "s.c": b"class C:\n    def __init__(self):\n        super().__init__()\n        ...\n",
}
A = ("s-a-code", "def a(x):\n    return x + 1")


def notebook(*cells, **changes):
    """The bytes of a notebook; a cell is its id and its source, and perhaps other things about it."""
    content = [
        {"cell_type": "code", "id": name, "source": source, "metadata": {}, **dict(*more)}
        for name, source, *more in cells
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": content, **changes}).encode()


def taken(*cells, stubs=STUBS, available=("s.a", "s.b", "s.c"), **changes):
    """The texts of a notebook, decoded, and the findings."""
    found = sources_of(notebook(*cells, **changes), stubs, available, name="s/s.ipynb")
    return {module: text.decode() for module, text in found.sources.items()}, found.findings


def run(text, **modules):
    """What a text leaves behind, where what it imports from `s` is in `modules`."""
    scope = {}
    for line in text.splitlines():
        if line.startswith("from s."):
            name = line.rpartition(" ")[2]
            text, scope[name] = text.replace(line, "", 1), modules[name]
    exec(compile(text, "text", "exec", dont_inherit=True), scope)
    return scope


# Whose a cell is


def test_an_exercise_is_the_cell_with_its_id():
    """And no exercise is where there is none."""
    texts, findings = taken(A, ("s-b-code", ["def b(x):\n", "    return 2 * a(x)"]))
    assert run(texts["s.a"])["a"](1) == 2
    assert run(texts["s.b"], a=lambda x: x)["b"](3) == 6
    assert "s.c" not in texts
    assert (findings["s.a"], findings["s.b"]) == ([], [])
    assert findings["s.c"][0].startswith("s/s.ipynb has no cell that defines `C`. If yours does, save the notebook")


@pytest.mark.parametrize("name", ["", "1f2e3d", None, 7, ["s-a-code"], "s-a-example", "s-setup"])
def test_without_its_id_a_cell_is_known_by_what_it_defines(name):
    """Ids that were lost or renewed, or one of another cell."""
    texts, findings = taken((name, A[1]))
    assert run(texts["s.a"])["a"](1) == 2
    assert findings["s.a"] == ["cell 1 was taken because it defines a"]


def test_ids_that_were_mixed_up_do_not_matter():
    """What a cell defines is stronger than an id of another exercise."""
    texts, _ = taken(("s-b-code", A[1]), ("s-a-code", "def b(x):\n    return 5"))
    assert run(texts["s.a"])["a"](1) == 2
    assert run(texts["s.b"])["b"](1) == 5


def test_a_cell_with_its_id_may_define_what_others_ask_for():
    """A copy of `a` in the cell of `b` is part of `b`, and does not replace `a`, as in two files."""
    texts, _ = taken(A, ("s-b-code", "def a(x):\n    return 0\n\ndef b(x):\n    return a(x)"))
    assert run(texts["s.a"])["a"](1) == 2
    assert run(texts["s.b"])["b"](1) == 0


def test_one_cell_may_hold_several_exercises():
    """Without an id that says otherwise it is the own cell of each."""
    texts, _ = taken(("x", "def a(x):\n    return 1\n\ndef b(x):\n    return a(x) + 1"))
    assert (run(texts["s.a"])["a"](0), run(texts["s.b"])["b"](0)) == (1, 2)


def test_of_several_cells_the_last_definition_counts():
    """As when the notebook is run from top to bottom; a doubled id is said."""
    texts, findings = taken(A, ("s-a-code", "def a(x):\n    return 9"))
    assert run(texts["s.a"])["a"](1) == 9
    assert findings["s.a"] == ["the cells 1, 2 share the id s-a-code; where they define the same, the last one counts"]


@pytest.mark.parametrize("order", [1, -1])
def test_an_untouched_cell_gives_way_to_a_written_one(order):
    """Before or after it, and also where a helper uses the exercise."""
    helper = ("h", "def plus(x):\n    return x + 1 if x else a(1)")
    written = ("x", "def a(x):\n    return plus(x)")
    texts, _ = taken(helper, *[("s-a-code", "def a(x): ..."), written][::order])
    assert run(texts["s.a"])["a"](1) == 2
    assert run(texts["s.a"])["a"](0) == 2


def test_without_a_stub_the_cell_with_the_id_says_what_is_asked_for():
    """In a copy without stub files another cell may still define it."""
    texts, _ = taken(("s-a-code", "def a(x): ..."), ("x", A[1]), stubs={"s.a": b""})
    assert run(texts["s.a"])["a"](1) == 2


def test_a_cell_that_is_no_code_is_said_to_be_none():
    """A student who changed its type sees why nothing was found."""
    texts, findings = taken((*A, {"cell_type": "markdown"}))
    assert texts == {}
    assert "cell 1 has the id s-a-code and is no code cell" in findings["s.a"]


def test_a_hidden_cell_counts_and_is_said():
    """Whoever reads the notebook would not see it."""
    texts, findings = taken((*A, {"metadata": {"jupyter": {"source_hidden": True}}}))
    assert "def a" in texts["s.a"]
    assert findings["s.a"] == ["cell 1 is hidden in the notebook, and counts like any other"]


def test_example_check_and_setup_cells_are_nobodys():
    """What is tried in them is neither used nor spoken of."""
    cells = [("s-setup", "%load_ext headcheck\n!ls"), ("s-a-example", "y = a(3)\n!ls"), ("s-a-check", "%check s/a")]
    texts, findings = taken(*cells, ("s-a-code", "def a(x):\n    return y"))
    assert "y = " not in texts["s.a"]
    assert findings["s.a"] == []


# What comes along


def test_helpers_come_along_with_all_that_they_need():
    """Imports, constants, functions; not what is used by nobody."""
    helper = "import math as m\nimport json\nEPS, other = 2, 1\ndef root(x):\n    return m.sqrt(x) + EPS\n"
    texts, _ = taken(("h", helper), ("s-a-code", "def a(x):\n    return root(x)"))
    assert run(texts["s.a"])["a"](9) == 5
    assert "json" not in texts["s.a"]


def test_what_only_acts_does_not_come_along():
    """Neither a call of what is not there yet, nor a training loop."""
    texts, _ = taken(
        ("h", "k = 1\nprint(a(1))\nweights = a(2)\nfor _ in range(9): a(3)"), ("s-a-code", "def a(x): return k")
    )
    assert run(texts["s.a"])["a"](0) == 1
    assert "print" not in texts["s.a"]
    assert "weights" not in texts["s.a"]


@pytest.mark.parametrize(
    "helper",
    [
        "try:\n    import no_such_library as k\nexcept ImportError:\n    k = 1",
        "class Box: pass\nk = Box()\nk.value = 1\nk = k.value",
        "from math import *\nk = floor(1.5)",
        "table = {}\ntable['k'] = 1\nk = table['k']",
        "k = 0\nk += 1",
        "if True:\n    k: int = 1",
        "with open('/dev/null') as file:\n    k = 1",
    ],
)
def test_every_statement_that_binds_the_name_comes_along(helper):
    """However it does so."""
    texts, _ = taken(("h", helper), ("s-a-code", "def a(x):\n    return k"))
    assert run(texts["s.a"])["a"](0) == 1


def test_names_of_functions_own_are_no_global_names():
    """A parameter, a variable, a comprehension's name do not fetch a scratch variable of the same name."""
    code = "def a(x):\n    y = [z for z in x]\n    return y\n"
    texts, _ = taken(("h", "x = 1\ny = 2\nz = 3"), ("s-a-code", code))
    assert texts["s.a"] == f"# cell 2\n{code}"
    assert "z = 3" not in texts["s.a"]


def test_helpers_in_the_cell_of_another_exercise_come_along():
    """Without that exercise, which is imported where it is used; the student's own cells go before."""
    cells = [
        ("s-a-code", "k = 1\nj = 1\ndef helper(x):\n    return k\ndef a(x):\n    return helper(x)"),
        ("h", "j = 5"),
    ]
    texts, _ = taken(*cells, ("s-b-code", "def b(x):\n    return a(x), helper(x), j"))
    assert run(texts["s.b"], a=lambda _: "imported")["b"](0) == ("imported", 1, 5)
    assert "def a" not in texts["s.b"]


def test_an_exercise_that_is_no_module_comes_along_as_text():
    """A student may use one that the course does not know to be used."""
    texts, _ = taken(A, ("s-b-code", "def b(x):\n    return a(x)"), available=["s.b"])
    assert run(texts["s.b"])["b"](1) == 2


def test_an_import_of_ones_own_is_kept():
    """The whole file, pasted into the cell, works as a file."""
    head = '"""A docstring."""\n\nfrom __future__ import annotations\n\nfrom s.a import a\n\n'
    code = head + "def b(x: Unknown):\n    return a(x)\n"
    texts, _ = taken(("h", "import math"), ("s-b-code", code))
    assert texts["s.b"].startswith("from __future__ import annotations\n")
    assert run(texts["s.b"], a=lambda x: x)["b"](3) == 3


def test_imports_from_the_future_come_first_and_once():
    """They must; a helper's own do not come along."""
    future = "from __future__ import (\n    annotations,\n)\n"
    texts, _ = taken(("h", future + "k = 1"), ("s-a-code", future + "def a(x: No):\n    return k"))
    assert run(texts["s.a"])["a"](1) == 1
    assert texts["s.a"].count("__future__") == 1


# What is no Python


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "!pip install x",
        "?a",
        "a?",
        "a??",
        "files = !ls *.py",
        "t = %timeit -o a(1)",
        "!echo 'open",
        "!echo (",
        "    %time a(1)".strip(),
        "%check s/b # mine",
    ],
)
def test_magics_shell_lines_and_help_are_left_out(line):
    """In the exercise's own cell, between lines that stay."""
    texts, findings = taken(("s-a-code", f"k = 1\n{line}\ndef a(x):\n    return k"))
    assert run(texts["s.a"])["a"](0) == 1
    own = line.startswith("%check")
    assert findings["s.a"] == (
        [] if own else [f"cell 1, line 2: `{line}` was left out: magics, shell lines and help are not run"]
    )


def test_only_lines_that_are_no_python_are_left_out():
    """A remainder at the start of a line, an exclamation mark in a text, a magic within a function."""
    code = "def a(x):\n    !ls \\\n      -l\n    return (x\n    % 7), '''\n!no magic\n'''"
    texts, findings = taken(("s-a-code", code))
    assert run(texts["s.a"])["a"](9) == (2, "\n!no magic\n")
    assert len(findings["s.a"]) == 1


@pytest.mark.parametrize(
    ("magic", "kept"), [("%%time", True), ("%%capture out", True), ("%%bash", False), ("%%writefile x", False)]
)
def test_a_magic_over_a_cell_leaves_what_runs_as_python(magic, kept):
    """Timing a cell is no reason to lose it; a shell script is no Python, whatever it looks like."""
    texts, findings = taken(("x", f"{magic}\ndef a(x):\n    return 1"))
    assert ("s.a" in texts) == kept
    assert any(f"cell 1: `{magic}`" in finding for finding in findings["s.a"])


@pytest.mark.parametrize("line", ["%%time", "%%", "%", "!", "?", "%%time\n%%time", "", "\n\n", "\x0c", "\\"])
def test_a_cell_of_nothing_but_a_magic_is_nothing(line):
    """Nor is it an error."""
    assert run(taken(A, ("h", line))[0]["s.a"])["a"](1) == 2


def test_a_cell_of_the_students_that_is_no_python_is_left_out():
    """It costs nothing but its own helpers."""
    texts, findings = taken(("h", "def helper(:"), A)
    assert run(texts["s.a"])["a"](1) == 2
    assert findings["s.a"] == ["cell 1 is no Python and was left out"]


@pytest.mark.parametrize("code", ["def a(:", "return 1\ndef a(x", "x = (", "a = \0"])
def test_an_exercise_that_is_no_python_stays_as_it_is(code):
    """So that importing it says what is wrong."""
    texts, _ = taken(("s-a-code", code))
    assert code in texts["s.a"]
    with pytest.raises((SyntaxError, ValueError)):
        run(texts["s.a"])


def test_a_source_that_is_no_unicode_is_still_taken():
    """A lone surrogate becomes a question mark."""
    texts, _ = taken(("s-a-code", "def a(x):\n    return '\ud800'"))
    assert run(texts["s.a"])["a"](1) == "?"


@pytest.mark.parametrize(
    "code",
    [
        "a = " + "-" * 50_000 + "1",
        "a = " + "(" * 5_000 + ")" * 5_000,
        "a = " + "+".join(["1"] * 20_000),
        "a = " + "9" * 50_000,
        "\n".join(["!x"] * 300) + "\ndef a(x): return 1",
        "return\nnonlocal a\na = 1",
        "a" + " " * 100_000,
    ],
    ids=["minus", "brackets", "sum", "number", "magics", "scope", "spaces"],
)
def test_a_bomb_in_a_helper_harms_nobody(code):
    """What Python cannot parse or write again is left out, and every other cell is as ever."""
    texts, findings = taken(("h", code.replace("a", "bomb")), A)
    assert run(texts["s.a"])["a"](1) == 2
    assert all(len(finding) <= MAX_FINDING for finding in findings["s.a"])


# What is no notebook


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "s/s.ipynb is empty: save the notebook"),
        (b"\xff\xfe\x00", "codec"),
        (b"{", "Expecting"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 10_000, "limit"),
        (b"[]", "no list of cells"),
        (b'{"cells": {}}', "no list of cells"),
        (b"null", "no list"),
        (b'{"cells": [], "nbformat": 5}', "nbformat 5; save it as nbformat 4"),
        (b'{"worksheets": [], "nbformat": 3}', "nbformat 3"),
        (b'{"cells": []}', "nbformat of its own"),
        (b'{"cells": [], "nbformat": [[]]}', "nbformat of its own"),
        (b'{"worksheets": [], "nbformat": 4}', "nbformat 4"),
    ],
)
def test_what_is_no_notebook_is_refused(data, says):
    """With its name, and what is wrong."""
    with pytest.raises(NotHandedIn, match=says) as caught:
        sources_of(data, STUBS, (), name="s/s.ipynb")
    assert str(caught.value).startswith("s/s.ipynb ")


def test_deep_outputs_are_refused():
    """Also where a sound cell stands before them."""
    deep = b"[" * 100_000 + b"]" * 100_000
    data = notebook((*A, {"outputs": "HERE"})).replace(b'"HERE"', deep)
    with pytest.raises(NotHandedIn, match="nested too deeply"):
        sources_of(data, STUBS, (), name="s/s.ipynb")


@pytest.mark.parametrize(
    "cell", [None, 1, "x", [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}}]
)
def test_an_odd_cell_is_no_cell(cell):
    """Nor is it an error; what is beside it is taken."""
    content = json.loads(notebook(A))
    content["cells"] += [cell, {"cell_type": ["code"], "id": 1, "source": ["x = 1", 2], "metadata": [1]}]
    found = sources_of(json.dumps(content).encode(), STUBS, (), name="s/s.ipynb")
    assert run(found.sources["s.a"].decode())["a"](1) == 2


def test_numbers_that_are_none_are_said():
    """Some tools write NaN, which is no JSON; it is read all the same."""
    _, findings = taken((*A, {"outputs": [{"data": float("nan")}]}))
    assert findings["s.a"] == ["s/s.ipynb is not quite JSON (it holds NaN); it was read all the same"]


@pytest.mark.parametrize(
    "metadata",
    [{"kernelspec": {"language": "R"}}, {"language_info": {"name": "julia"}}, {"kernelspec": {"name": "ir"}}],
)
def test_another_language_is_said(metadata):
    """It is read as Python, whatever it says."""
    texts, findings = taken(A, metadata=metadata)
    assert "s.a" in texts
    assert "says that it is written in" in findings["s.a"][0]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        [],
        {"kernelspec": {"name": "python3", "language": "Python"}},
        {"language_info": {"name": "ipython"}},
        {"kernelspec": 1},
    ],
)
def test_python_and_silence_are_not_another_language(metadata):
    """Nothing is said."""
    assert taken(A, metadata=metadata)[1]["s.a"] == []


# Ids and blanks


@pytest.mark.parametrize("module", ["scoring.masked_softmax", "s." + "very_long_" * 20, "s.straße", "s" * 70 + ".a"])
@pytest.mark.parametrize("role", ["prompt", "code", "example", "check", "question", "answer"])
def test_ids_are_valid_and_different(module, role):
    """For nbformat, whatever the exercise is called."""
    other = cell_id(module + "x", role)
    cell = nbformat.v4.new_code_cell(id=cell_id(module, role))
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.id != other
    assert cell_id("scoring.masked_softmax", "code") == "scoring-masked_softmax-code"


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        (STUBS["s.a"], True),
        (STUBS["s.b"], True),
        (STUBS["s.c"], True),
        (b"", True),
        (b"def a(x):\n    pass", True),
        (b"def a(x):\n    return 1\n    ...", False),
        (b"class C:\n    def f(self):\n        self.x = 1", False),
        (b"def a(:", False),
        (b"async def a(x):\n    x()", False),
        (b"a = lambda x: 1", False),
        (b"import torch", True),
    ],
)
def test_blank_is_where_no_function_does_anything(text, blank):
    """What cannot be parsed was written in."""
    assert is_blank(text) is blank


# Where its lines are from


def test_each_line_is_told_by_its_cell_and_its_number_there():
    """For what is written in the cell; of what was taken from another one only that one is told."""
    helper = ("x", "import math\n\ndef helper(x):\n    return x")
    data = notebook(helper, ("s-a-code", "%%time\n\ndef a(x):\n    return helper(x)"))
    found = sources_of(data, STUBS, STUBS, name="s/s.ipynb")
    lines = found.sources["s.a"].decode().split("\n")
    assert dict(zip(lines, found.cells["s.a"], strict=True)) == {
        "def helper(x):": ("helper", 0), "    return x": ("helper", 0),
        "# cell 2": ("", 0), "": ("a", 2), "def a(x):": ("a", 3), "    return helper(x)": ("a", 4),
    }  # fmt: skip


@pytest.mark.parametrize(("source", "name"), [("def a(x)\n    pass", "a"), ("y = 2\nx = 1", "x"), ("!ls", "")])
def test_a_cell_is_called_by_what_it_defines(source, name):
    """Also where it is no Python."""
    assert sources_of(notebook(("s-a-code", source)), STUBS, (), name="s").cells["s.a"][-1][0] == name


def test_a_function_in_a_cell_to_try_things_in_is_spoken_of():
    """A helper there is not taken, which nobody would guess."""
    cells = [("s-a-example", "def helper(x): return x"), ("s-a-code", "def a(x):\n    return helper(x)")]
    _, findings = taken(*cells)
    assert findings["s.a"] == ["cell 1 is there to try things and does not count: move helper to another one"]
    _, findings = taken(*cells, ("own", "def helper(x): return x"))
    assert findings["s.a"] == []
