"""A section as a notebook for students: for each exercise its prompt, the stub, an example, a check, and a question.

Cells have ids that say what they are (`scoring-masked_softmax-code`), by which `cells` finds a student's code again.
Only notebooks that the course hands out are written here; one that comes back is read in the sandbox, not by nbformat.
"""

from __future__ import annotations

import ast
import doctest
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from headcheck.cells import cell_id
from headcheck.language import say, translated, translated_source
from headcheck.questions import read_question, translated_question

if TYPE_CHECKING:
    from headcheck.course import Course, Exercise

SETUP = "%load_ext headcheck"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def section_notebook(course: Course, section: str) -> bytes:
    """The notebook of a section as it is handed out: the same bytes whenever the same stubs are put into it."""
    return notebook_bytes(section_cells(course, section))


def section_cells(course: Course, section: str) -> list[Any]:
    """The cells of a section: a title, what brings `%check`, and those of each exercise."""
    head = [
        _markdown(section, "title", f"# {translated(course.sections[section])}"),
        _code(section, "setup", SETUP),
    ]
    exercises = course.select(section)
    return [*head, *(cell for exercise in exercises for cell in exercise_cells(exercise, exercises))]


def notebook_bytes(cells: list[Any]) -> bytes:
    """A valid notebook of these cells, as a file."""
    notebook = new_notebook(cells=cells, metadata=KERNEL)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text.encode() + b"\n"


def exercise_cells(exercise: Exercise, neighbours: list[Exercise]) -> list[Any]:
    """The cells of an exercise, of which what it uses of its `neighbours` stands in the notebook already."""
    text = translated_source(exercise.stub.read_text(encoding="utf-8"))
    tree = ast.parse(text)
    name = exercise.module
    cells = [
        _markdown(name, "prompt", ast.get_docstring(tree) or f"# {translated(exercise.title)}"),
        _code(name, "code", code_of(text, tree, neighbours)),
        _code(name, "example", _example(tree)),
        _code(name, "check", f"%check {exercise.id}"),
    ]
    if exercise.question.is_file():
        question = translated_question(read_question(exercise.question))
        worth = say("*{points} points, judged by a person.*", points=question.max_points)
        cells += [
            _markdown(name, "question", f"## {question.title}\n\n{question.text}\n\n{worth}"),
            _markdown(name, "answer", say("Your answer:")),
        ]
    return cells


def code_of(text: str, tree: ast.Module, neighbours: list[Exercise]) -> str:
    """A stub without its docstring, and without imports of what its notebook defines above."""
    written = {exercise.module: set(exercise.written_names()) for exercise in neighbours}
    lines: list[str | None] = list(text.split("\n"))
    for statement in tree.body:
        above = isinstance(statement, ast.ImportFrom) and all(
            alias.asname is None and alias.name in written.get(statement.module or "", ()) for alias in statement.names
        )
        if above or (statement is tree.body[0] and ast.get_docstring(tree) is not None):
            last = statement.end_lineno or statement.lineno
            lines[statement.lineno - 1 : last] = [None] * (last - statement.lineno + 1)
    return "\n".join(line for line in lines if line is not None).strip()


def _example(tree: ast.Module) -> str:
    """What the docstrings show, with what comes out behind a hash; or room to try something."""
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    examples = [example for text in texts if text for example in doctest.DocTestParser().get_examples(text)]
    if not examples:
        return f"# {say('Room to try your code; what stands here is not graded.')}"
    shown = [example.source + "".join(f"# {line}\n" for line in example.want.splitlines()) for example in examples]
    return "".join(shown).strip()


def _code(name: str, role: str, source: str) -> Any:
    return new_code_cell(source, id=cell_id(name, role))  # type: ignore[no-untyped-call]


def _markdown(name: str, role: str, source: str) -> Any:
    return new_markdown_cell(source, id=cell_id(name, role))  # type: ignore[no-untyped-call]
