"""Notebooks as they are handed out: valid, the same every time, and found again by what takes them in."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import nbformat
import pytest

from headcheck.cells import is_blank, sources_of
from headcheck.course import read_course
from headcheck.notebooks import code_of, section_notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from headcheck.course import Course

QUESTION = "# Why?\n\nSay why.\n\n## Rubric\n\n- 2 points: says because.\n"
STUB = '''"""# Double

Write it.
"""

from __future__ import annotations

import torch


def double(X: "a text") -> None:
    """Twice X.

    >>> double(torch.ones(1))
    tensor([2.])
    >>> x = 1
    """
    ...
'''


@pytest.fixture
def course(write_course: Callable[..., Course]) -> Course:
    """The tiny course, with a longer stub, an import in the second one, and a question."""
    course = write_course(stub=STUB)
    double, twice = course.exercises
    double.question.write_text(QUESTION)
    twice.stub.write_text(twice.stub.read_text().replace("from torch", "from tiny.double import double\nfrom torch"))
    return read_course(course.root)


def cells(course: Course) -> dict[str, tuple[str, str]]:
    """The kind and the source of each cell, by its id."""
    content = json.loads(section_notebook(course, "tiny"))
    return {cell["id"]: (cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]}


def test_a_notebook_is_valid_and_always_the_same(course: Course) -> None:
    """For nbformat, in its current version; equal stubs give equal bytes."""
    data = section_notebook(course, "tiny")
    notebook = nbformat.reads(data.decode(), as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.metadata.kernelspec.language) == (4, "python")
    assert data == section_notebook(course, "tiny")


def test_each_exercise_has_its_cells_in_order(course: Course) -> None:
    """Prompt, code, example, check, and a question with room for an answer where there is one."""
    roles = ["prompt", "code", "example", "check"]
    wanted = [f"tiny-double-{role}" for role in (*roles, "question", "answer")]
    assert list(cells(course)) == ["tiny-title", "tiny-setup", *wanted, *[f"tiny-twice-{role}" for role in roles]]


def test_cells_hold_what_the_stub_says(course: Course) -> None:
    """The docstring as Markdown, the code without it, the examples with what comes out, and the check."""
    found = cells(course)
    assert found["tiny-double-prompt"] == ("markdown", "# Double\n\nWrite it.")
    kind, code = found["tiny-double-code"]
    assert (kind, code) == ("code", STUB.partition('"""\n\n')[2].strip())
    assert found["tiny-double-example"] == ("code", "double(torch.ones(1))\n# tensor([2.])\nx = 1")
    assert found["tiny-double-check"] == ("code", "%check tiny/double")
    assert found["tiny-setup"] == ("code", "%load_ext headcheck")
    assert found["tiny-twice-example"][1].startswith("# Room to try")


def test_a_question_is_shown_without_its_rubric(course: Course) -> None:
    """What an answer must say is not in the notebook; how many points there are is."""
    found = cells(course)
    assert found["tiny-double-question"] == ("markdown", "## Why?\n\nSay why.\n\n*2 points, judged by a person.*")
    assert found["tiny-double-answer"][0] == "markdown"
    assert "because" not in str(found)


def test_what_stands_above_is_not_imported(course: Course) -> None:
    """In a notebook it is there already; anything else still is."""
    assert "import double" not in cells(course)["tiny-twice-code"][1]
    kept = "from tiny.double import double as d\nfrom tiny.double import other\nfrom far.away import double"
    text = f"{kept}\nfrom tiny.double import (\n    double,\n)"
    assert code_of(text, ast.parse(text), list(course.exercises)) == kept


def test_an_untouched_notebook_holds_the_stubs(course: Course) -> None:
    """Taken in again, each exercise is as blank as its file, and nothing needs to be said."""
    stubs = course.stubs("tiny")
    taken = sources_of(section_notebook(course, "tiny"), stubs, set(stubs), name="tiny/tiny.ipynb")
    assert set(taken.sources) == set(stubs)
    assert all(is_blank(text) for text in taken.sources.values())
    assert set(map(tuple, taken.findings.values())) == {()}
