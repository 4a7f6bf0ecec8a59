"""What a student is told of an exception: in one sentence what happened and what to do, then the line, then Python.

A clue, a place and the exception's own message come from a worker, so they are claims: they fill the blanks of the
sentences here, and are otherwise shown as they are. Each sentence is one literal, so that it can be translated.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from headcheck.clues import recognised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headcheck.errors import StudentRaised
    from headcheck.protocol import Place

SENTENCES = {
    # names
    "undefined": "your file defines no `{wanted}`: is it the file of this exercise, and was it saved?",
    "renamed": "your file defines `{near}`, the exercise asks for `{wanted}`: rename it",
    "others": "your file defines {names}, but no `{wanted}`: rename it, or is this the file of another exercise?",
    "of_self": "`{name}` belongs to the object: write `self.{name}`",
    "of_none": "`{name}` is None here: was it passed as None, or does what made it lack a `return`?",
    "near": "there is no `{name}` here: did you mean `{near}`?",
    "unimported": "`{name}` is not imported: write `{statement}` at the top",
    "unknown": "nothing here is called `{name}`: define it before this line, or is it misspelt?",
    "too_early": "`{name}` has no value yet: it gets one only further below, or only in one branch of an `if`",
    "notebook": "`{name}` is no Python: is this the text of a notebook? Then its name must end in .ipynb",
    "exit": "take out `{name}`: a file is imported, and used after that",
    # names of other files
    "no_exercise": "this exercise imports {module}, and there is no such file: write that exercise first",
    "no_library": "the library `{name}` is not available here: the exercise can be done without it",
    "not_there": "{file} defines no `{name}`, which this exercise imports: write it there first, or was it renamed?",
    # calls
    "class": "`{name}` is a class, and the exercise asks for a function: write `def {name}(...)`",
    "no_self": "the first parameter of `{name}` must be `self`: write `def {method}({parameters})`",
    "arguments": "`{name}` takes {count} argument(s) ({parameters}), the exercise calls it with {given}: "
    "({arguments}). Give it the parameters that the exercise names",
    "too_many": "`{name}` takes {count} arguments, and this line gives it {given}",
    "too_few": "this line calls `{name}` without {arguments}",
    "needs": "`{name}` must be told its `{argument}`: for an axis, which one?",
    "not_callable": "round brackets call a function, and what stands before them is none: "
    "are square brackets wanted, or a `*`?",
    # classes
    "inside": "`{wanted}` stands inside of `{outer}`: move it to the left, to where `{start}` begins",
    "outside": "`{wanted}` stands outside of the class `{kind}`: put four spaces before each of its lines",
    "method": "the class `{kind}` has no `{wanted}`, but `{near}`: rename it",
    "no_method": "the class `{kind}` has no method `{wanted}`: write `def {wanted}(self, ...)` in it",
    "super_before": "`{name}` was used before `super().__init__()`: make that the first line of `__init__`",
    "super_first": "`super().__init__()` is missing, or too late: make it the first line of `__init__`",
    "no_module": "`{name}` is no nn.Module: write `class {name}(nn.Module):`, and in it first `super().__init__()`",
    "no_attribute": "`{kind}` has no attribute `{name}`: is it set, as `self.{name} = ...`, before it is asked for?",
    # values
    "none": "something in this line is None: was it passed as None, or does what made it lack a `return`?",
    "none_given": "`{name}` got None instead of a tensor: is a function before it still blank, or without `return`?",
    "no_tensor": "`{name}` wants a tensor as its `{argument}`, and got a {kind}: look at where that comes from",
    "broadcast": "one tensor has size {first}, the other {second} at axis {axis}: only equal sizes, or 1, fit together",
    "matrices": "matrices of {first} and {second} have no product: "
    "the first must have as many columns as the second has rows",
    "batches": "these matrices have no product: the second should have {wanted} as its batch and rows, and has {got}",
    "dtypes": "a {first} tensor meets a {second} one: give what you create the dtype of the inputs",
    "integers": "this needs fractions, and a tensor holds whole numbers ({kind}): stay with the dtype of the inputs",
    "leaf": "a tensor that learns is changed in place: make a new one instead, `x = x + ...` for `x += ...`",
    "truth": "a whole tensor is neither true nor false: use torch.where or a mask in place of `if`, `and`, `or`, `not`",
    "numpy": "numpy would cut the gradient: use torch's function of the same name",
    "axis": "the axes of this tensor are {first} to {last}, and {axis} is none of them: -1 is the last axis",
    "index": "there is no place {index} along axis {axis}: it has {size}, counted from 0",
    "view": "the sizes of the shape {shape} must multiply to {count}, as many numbers as there are",
    # the rest
    "gpu": "there is no GPU here: leave the tensors on the device on which they come",
    "recursion": "a function calls itself again and again: when does it stop?",
    "unwritten": "this part is not written yet: replace the line that raises by your code",
    "assert": "an `assert` of your own does not hold for these inputs",
    "keyboard": "nobody can type while code is checked: take out `input()`",
    "no_file": "there is no file {name} where code is checked: make the data in the code",
    # what is not Python
    "block": "put four spaces before this line: it belongs to the line with the colon above it",
    "uneven": "begin this line exactly below another one: count the spaces before it",
    "indent": "this line has more spaces before it than the one above: begin both in the same column",
    "tabs": "use four spaces for each step to the right, and no tabs",
    "bracket": "close the bracket that is marked",
    "colon": "put a colon at the end of this line",
    "quotes": "a word processor has made these quotes: type plain ones instead",
    "command": "this is a command for a notebook or a terminal: take it out of the file",
    "equals": "use == to compare, and = to give a value",
    "mark": "look at what stands before the mark, and at the end of the line above it",
    # what came back
    "returned_none": "your code returned None: is a `return` missing?",
    "returned_many": "your code gives a {kind} where one tensor is asked for: torch.stack makes one of several",
    "lacks": "your code gives a value of type {kind}, which has no `.{name}`: is a class or a tensor asked for?",
    "no_function": "your code gives a value of type {kind} for a function: is it a variable of the function's name?",
}


def what_happened(error: StudentRaised) -> str:
    """The sentence, the line where it happened, the tensors in it, and Python's own words, as paragraphs."""
    said = _sentence(error.clue)
    if error.judged:
        return said or error.message
    if error.place is not None and "SyntaxError" in (error.kind, *error.bases):
        return "\n\n".join(_unreadable(error.place, error.kind, error.message, said))
    reason = str(error)
    python = f"your code raised {reason}"
    where = [*_where(error.place), *_builds(error.place)] if error.place else []
    return "\n\n".join([said, *where, python] if said else [python, *where])


def what_came_back(reason: str) -> str:
    """The same where the grader could not go on with what came from the code, by what it raised: `TypeError: ...`."""
    return _sentence(recognised(reason, returned=True)) or f"what your code returned could not be used: {reason}"


def _sentence(clue: Sequence[str]) -> str:
    """The sentence for a clue, its names filled in in the order in which they first appear there."""
    template = SENTENCES.get(clue[0], "") if clue else ""
    names = list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(template) if name))
    return template.format(**dict(zip(names, clue[1:], strict=True))) if len(names) == len(clue) - 1 else ""


def _where(place: Place) -> list[str]:
    text = place.text.strip()
    if place.line and place.cell:
        where = f"in line {place.line} of the cell that defines `{place.cell}`: `{text}`"
    elif place.cell:
        where = f"in the cell that defines `{place.cell}`: `{text}`"
    else:
        where = f"in line {place.line} of {place.file}: `{text}`"
    if not place.tensors:
        return [where]
    first, _, others = ", ".join(place.tensors).partition(": ")
    return [where, f"with {first}: {others}"]


def _unreadable(place: Place, kind: str, message: str, advice: str) -> list[str]:
    """Which line is no Python, and why; a mark where Python gave up; what to do; and Python's own words."""
    reason = message.rpartition("\n")[2].partition(": ")[2]
    if place.cell:
        head = f"line {place.line} of the cell that defines `{place.cell}` is not Python: {reason}"
    else:
        head = f"line {place.line} of {place.file} is not Python: {reason}"
    mark = " " * min(max(place.column - 1, 0), len(place.text)) + "^"
    text = place.text.replace("\t", " ")
    shown = [f"    {text}\n    {mark}"] if text.strip() else []
    python = f"your code raised {kind}: {reason}"
    return [head, *shown, *([advice] if advice else []), *_builds(place), python]


def _builds(place: Place) -> list[str]:
    return [f"this exercise builds on {place.file}: mend that first"] if place.earlier else []
