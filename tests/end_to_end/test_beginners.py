"""The errors that beginners make, each graded in the sandbox, and the exact words with which it is answered.

A case changes a right file in one place, so that what is tested is what is written here. The course has two exercises
with fixed inputs; like a student's copy it has no references.
"""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from headcheck.course import read_course
from headcheck.grading import Exams, Grader
from headcheck.sandbox import open_sandbox
from headcheck.submission import read_directory
from headcheck.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.results import ExerciseResult

    Check = Callable[..., ExerciseResult]

COURSE = """title = "A course"
seed = 1

[limits]
call_seconds = 2.0

[[section]]
name = "scoring"
title = "Scoring"

[[section.exercise]]
slug = "masked_softmax"
title = "Masked softmax"

[[section.exercise]]
slug = "attention"
title = "Attention"
uses = ["scoring/masked_softmax"]

[[section]]
name = "cues"
title = "Cues"
"""
GRADERS = {
    "masked_softmax": '''
@worth(1, gate=True, hint="h")
def scores_become_weights(student):
    """Weights come out."""
    weights = student.masked_softmax(torch.ones(2, 3, 4), torch.tensor([2, 3]))
    assert_shape(weights, (2, 3, 4), what="weights")
    assert_close(weights.sum(-1), torch.ones(2, 3), what="row sums")

@worth(1, hint="h")
def lengths_may_be_left_out(student):
    """All keys count."""
    assert_shape(student.masked_softmax(torch.ones(2, 3, 4), None), (2, 3, 4), what="weights")
''',
    "attention": '''
@worth(1, gate=True, hint="h")
def answers_every_query(student):
    """Queries are answered."""
    layer = student.Attention(4, 8).eval()
    output = layer(torch.ones(2, 3, 4), torch.ones(2, 5, 4), torch.ones(2, 5, 6), torch.tensor([2, 3]))
    assert_shape(output, (2, 3, 6), what="output")
    assert_shape(layer.attention_weights, (2, 3, 5), what="attention_weights")
''',
}
IMPORTS = (
    "import torch\nfrom headcheck.compare import assert_close, assert_shape\nfrom headcheck.properties import worth\n"
)
MASKED = """import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return X.softmax(-1)
    padded = torch.arange(X.shape[-1]) >= valid_lens[:, None, None]
    weights = X.masked_fill(padded, -torch.inf).softmax(-1)
    return weights
"""
ATTENTION = """import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class Attention(nn.Module):
    def __init__(self, size, num_hiddens):
        super().__init__()
        self.W_q = nn.Linear(size, num_hiddens)
        self.W_k = nn.Linear(size, num_hiddens)
        self.dropout = nn.Dropout(0.0)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = self.W_q(queries) @ self.W_k(keys).transpose(1, 2)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return self.dropout(self.attention_weights) @ values
"""
FORWARD = ATTENTION[ATTENTION.index("    def forward") :]
STUB = '"""Write it."""\n\nimport torch\n\n\ndef masked_softmax(X, valid_lens=None):\n    """Weights."""\n    ...\n'
STUBS = {
    "masked_softmax": STUB,
    "attention": ATTENTION[: ATTENTION.index("        self.W_q")] + "        ...\n\n    def forward(self, q): ...\n",
}
RIGHT = {"scoring/masked_softmax.py": MASKED, "scoring/attention.py": ATTENTION}


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Check]:
    """Check one exercise on files, by path, as `headcheck check` does."""
    root = tmp_path_factory.mktemp("course")
    for slug, text in GRADERS.items():
        for path, content in {
            f"assignments/scoring/{slug}.py": STUBS[slug],
            f"graders/scoring/{slug}/public.py": IMPORTS + text,
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
    (root / "assignments" / "course.toml").write_text(COURSE)
    course = read_course(root)
    sandbox, _ = open_sandbox(course.limits)
    grader = Grader(course, Exams(course, course.seed, public_only=True), sandbox)

    def check(slug: str, files: dict[str, str]) -> ExerciseResult:
        work = tmp_path_factory.mktemp("work")
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_bytes(text.encode("utf-8"))
        (result,) = grader.check(read_directory(work, course), [course.exercise(f"scoring/{slug}")])
        return result

    yield check
    sandbox.close()


def said(result: ExerciseResult) -> str:
    """The message of the first check that was not passed, as it is shown."""
    wrong = [prop for prop in result.properties if prop.outcome not in ("passed", "skipped")]
    assert len(wrong) == 1 or result.status == "missing", "a wall of red"
    assert result.points < result.max_points
    return visible(wrong[0].message, lines=True)


def test_the_files_that_the_cases_change_are_right(check: Check) -> None:
    """So what is answered is what was changed."""
    assert {check(slug, RIGHT).status for slug in GRADERS} == {"passed"}


NO_FILE = "there is no file for this exercise: save it as scoring/masked_softmax.py, or in scoring/scoring.ipynb"
DEF = "def masked_softmax(X, valid_lens=None):"


def changed(text: str, old: str, new: str) -> str:
    """The text with one place changed."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


IN_A_FUNCTION = {
    "renamed": (
        DEF,
        "def maskedsoftmax(X, valid_lens=None):",
        "your file defines `maskedsoftmax`, the exercise asks for `masked_softmax`: rename it",
    ),
    "named otherwise": (
        DEF,
        "def weigh(X, valid_lens=None):",
        "your file defines `weigh`, but no `masked_softmax`: rename it, or is this the file of another exercise?",
    ),
    "in capitals": (
        DEF,
        "def MaskedSoftmax(X, valid_lens=None):",
        "your file defines `MaskedSoftmax`, the exercise asks for `masked_softmax`: rename it",
    ),
    "indented into another": (
        DEF,
        (
            "def outer():\n  def masked_softmax(X, valid_lens=None):\n   if valid_lens is None:\n    pass\n\ndef "
            "weigh(X, valid_lens=None):"
        ),
        "`masked_softmax` stands inside of `outer`: move it to the left, to where `outer` begins",
    ),
    "a class": (
        DEF,
        "class masked_softmax:\n  def __call__(self, X, valid_lens=None):",
        "`masked_softmax` is a class, and the exercise asks for a function: write `def masked_softmax(...)`",
        "your code raised TypeError: masked_softmax() takes no arguments",
    ),
    "a parameter too few": (
        "X, valid_lens=None",
        "X",
        (
            "`masked_softmax` takes 1 argument(s) (X), the exercise calls it with 2: (float32 (2, 3, 4), int64 "
            "(2,)). Give it the parameters that the exercise names"
        ),
        "your code raised TypeError: masked_softmax() takes 1 positional argument but 2 were given",
    ),
    "a parameter too many": (
        "X, valid_lens=None",
        "X, valid_lens, mask",
        (
            "`masked_softmax` takes 3 argument(s) (X, valid_lens, mask), the exercise calls it with 2: (float32 "
            "(2, 3, 4), int64 (2,)). Give it the parameters that the exercise names"
        ),
        "your code raised TypeError: masked_softmax() missing 1 required positional argument: 'mask'",
    ),
    "no return": (
        "    return weights\n",
        "",
        "weights is None: is a `return` missing?",
    ),
    "print": (
        "return weights",
        "print(weights)",
        "weights is None: is a `return` missing?",
        "your code prints something: `print` only shows a value, `return` hands it over",
    ),
    "a list": (
        "return weights",
        "return weights.tolist()",
        "weights is not a tensor but a list: leave out `.tolist()`, or make one tensor of it by torch.stack",
    ),
    "a tuple": (
        "return weights",
        "return weights, padded",
        "weights is not a tensor but a tuple of 2: does `return` name more than is asked for?",
    ),
    "a numpy array": (
        "return weights",
        "return weights.numpy()",
        "weights is not a tensor but a numpy array: leave out `.numpy()`, and use torch's functions",
    ),
    "a method": (
        ".softmax(-1)\n    return weights",
        ".softmax\n    return weights",
        "weights is not a tensor but a builtin_function_or_method: are the round brackets of its call missing?",
    ),
    "another dtype": (
        "return weights",
        "return weights.double()",
        "row sums is float64, wanted float32: give what you create the dtype of the inputs",
    ),
    "a value": (
        DEF,
        "masked_softmax = 3\n\n\ndef weigh(X, valid_lens=None):",
        "your code gives a value of type int for a function: is it a variable of the function's name?",
    ),
    "torch is not imported": (
        "import torch\n",
        "",
        "`torch` is not imported: write `import torch` at the top",
        "in line 6 of scoring/masked_softmax.py: `padded = torch.arange(X.shape[-1]) >= valid_lens[:, None, None]`",
        "with X: float32 (2, 3, 4), valid_lens: int64 (2,)",
        "your code raised NameError: name 'torch' is not defined",
    ),
    "nn is not imported": (
        "return weights",
        "return nn.Softmax(-1)(weights)",
        "`nn` is not imported: write `from torch import nn` at the top",
        "in line 9 of scoring/masked_softmax.py: `return nn.Softmax(-1)(weights)`",
        "with weights: float32 (2, 3, 4)",
        "your code raised NameError: name 'nn' is not defined",
    ),
    "F is not imported": (
        "return weights",
        "return F.softmax(weights, -1)",
        "`F` is not imported: write `import torch.nn.functional as F` at the top",
        "in line 9 of scoring/masked_softmax.py: `return F.softmax(weights, -1)`",
        "with weights: float32 (2, 3, 4)",
        "your code raised NameError: name 'F' is not defined",
    ),
    "math is not imported": (
        "return weights",
        "return weights / math.sqrt(1)",
        "`math` is not imported: write `import math` at the top",
        "in line 9 of scoring/masked_softmax.py: `return weights / math.sqrt(1)`",
        "with weights: float32 (2, 3, 4)",
        "your code raised NameError: name 'math' is not defined",
    ),
    "a misspelt variable": (
        "return weights",
        "return weigths",
        "there is no `weigths` here: did you mean `weights`?",
        "in line 9 of scoring/masked_softmax.py: `return weigths`",
        "your code raised NameError: name 'weigths' is not defined",
    ),
    "a variable of one branch": (
        "    padded = torch.arange(X.shape[-1]) >= valid_lens[:, None, None]\n    weights",
        "    if valid_lens.sum() > 99:\n        padded = 1\n    weights",
        "`padded` has no value yet: it gets one only further below, or only in one branch of an `if`",
        "in line 9 of scoring/masked_softmax.py: `weights = X.masked_fill(padded, -torch.inf).softmax(-1)`",
        "with X: float32 (2, 3, 4)",
        (
            "your code raised UnboundLocalError: cannot access local variable 'padded' where it is not associated "
            "with a value"
        ),
    ),
    "a name of nothing": (
        "return weights",
        "return answer",
        "nothing here is called `answer`: define it before this line, or is it misspelt?",
        "in line 9 of scoring/masked_softmax.py: `return answer`",
        "your code raised NameError: name 'answer' is not defined",
    ),
    "a misspelt method": (
        ".softmax(-1)\n    return weights",
        ".sofmax(-1)\n    return weights",
        "there is no `sofmax` here: did you mean `softmax`?",
        "in line 8 of scoring/masked_softmax.py: `weights = X.masked_fill(padded, -torch.inf).sofmax(-1)`",
        "with X: float32 (2, 3, 4), padded: bool (2, 1, 4)",
        "your code raised AttributeError: 'Tensor' object has no attribute 'sofmax'",
    ),
    "a library that is not there": (
        "import torch\n",
        "import torch\nimport tensorflow\n",
        "the library `tensorflow` is not available here: the exercise can be done without it",
        "in line 2 of scoring/masked_softmax.py: `import tensorflow`",
        "your code raised ModuleNotFoundError: No module named 'tensorflow'",
    ),
    "a colon is missing": (
        "is None:",
        "is None",
        "line 5 of scoring/masked_softmax.py is not Python: expected ':'",
        "        if valid_lens is None\n                             ^",
        "put a colon at the end of this line",
        "your code raised SyntaxError: expected ':'",
    ),
    "a bracket is open": (
        "softmax(-1)\n    return weights",
        "softmax(-1\n    return weights",
        "line 8 of scoring/masked_softmax.py is not Python: '(' was never closed",
        (
            "        weights = X.masked_fill(padded, "
            "-torch.inf).softmax(-1\n                                                           ^"
        ),
        "close the bracket that is marked",
        "your code raised SyntaxError: '(' was never closed",
    ),
    "= in a question": (
        "valid_lens is None",
        "valid_lens = None",
        (
            "line 5 of scoring/masked_softmax.py is not Python: invalid syntax. Maybe you meant '==' or ':=' "
            "instead of '='?"
        ),
        "        if valid_lens = None:\n           ^",
        "use == to compare, and = to give a value",
        "your code raised SyntaxError: invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
    ),
    "prose": (
        "import torch\n",
        "import torch\nWrite the function here\n",
        "line 2 of scoring/masked_softmax.py is not Python: invalid syntax",
        "    Write the function here\n          ^",
        "look at what stands before the mark, and at the end of the line above it",
        "your code raised SyntaxError: invalid syntax",
    ),
    "no indentation": (
        "def masked_softmax(X, valid_lens=None):\n    if valid_lens is None:\n        return",
        "def masked_softmax(X, valid_lens=None):\n    if valid_lens is None:\n    return",
        (
            "line 6 of scoring/masked_softmax.py is not Python: expected an indented block after 'if' statement on "
            "line 5"
        ),
        "        return X.softmax(-1)\n        ^",
        "put four spaces before this line: it belongs to the line with the colon above it",
        "your code raised IndentationError: expected an indented block after 'if' statement on line 5",
    ),
    "uneven indentation": (
        "    return weights",
        "  return weights",
        "line 9 of scoring/masked_softmax.py is not Python: unindent does not match any outer indentation level",
        "      return weights\n      ^",
        "begin this line exactly below another one: count the spaces before it",
        "your code raised IndentationError: unindent does not match any outer indentation level",
    ),
    "too much indentation": (
        "    return weights",
        "        return weights",
        "line 9 of scoring/masked_softmax.py is not Python: unexpected indent",
        "            return weights\n            ^",
        "this line has more spaces before it than the one above: begin both in the same column",
        "your code raised IndentationError: unexpected indent",
    ),
    "tabs": (
        "        return X",
        "\treturn X",
        "line 6 of scoring/masked_softmax.py is not Python: inconsistent use of tabs and spaces in indentation",
        "     return X.softmax(-1)\n     ^",
        "use four spaces for each step to the right, and no tabs",
        "your code raised TabError: inconsistent use of tabs and spaces in indentation",
    ),
    "quotes of a word processor": (
        "import torch\n",
        "import torch\nNAME = “attention”\n",
        "line 2 of scoring/masked_softmax.py is not Python: invalid character '“' (U+201C)",
        "    NAME = “attention”\n           ^",
        "a word processor has made these quotes: type plain ones instead",
        "your code raised SyntaxError: invalid character '“' (U+201C)",
    ),
    "a command": (
        "import torch\n",
        "%matplotlib inline\nimport torch\n",
        "line 1 of scoring/masked_softmax.py is not Python: invalid syntax",
        "    %matplotlib inline\n    ^",
        "this is a command for a notebook or a terminal: take it out of the file",
        "your code raised SyntaxError: invalid syntax",
    ),
    "an installation": (
        "import torch\n",
        "pip install torch\nimport torch\n",
        "line 1 of scoring/masked_softmax.py is not Python: invalid syntax",
        "    pip install torch\n        ^",
        "this is a command for a notebook or a terminal: take it out of the file",
        "your code raised SyntaxError: invalid syntax",
    ),
    "the text of a notebook": (
        "import torch\n",
        '{"cells": null}\nimport torch\n',
        "`null` is no Python: is this the text of a notebook? Then its name must end in .ipynb",
        'in line 1 of scoring/masked_softmax.py: `{"cells": null}`',
        "your code raised NameError: name 'null' is not defined",
    ),
    "shapes that do not broadcast": (
        "valid_lens[:, None, None]",
        "valid_lens",
        "one tensor has size 4, the other 2 at axis 0: only equal sizes, or 1, fit together",
        "in line 7 of scoring/masked_softmax.py: `padded = torch.arange(X.shape[-1]) >= valid_lens`",
        "with X: float32 (2, 3, 4), valid_lens: int64 (2,)",
        (
            "your code raised RuntimeError: The size of tensor a (4) must match the size of tensor b (2) at "
            "non-singleton dimension 0"
        ),
    ),
    "shapes that do not multiply": (
        "    return weights\n",
        "    return X @ X\n",
        "these matrices have no product: the second should have [2, 4] as its batch and rows, and has [2, 3]",
        "in line 9 of scoring/masked_softmax.py: `return X @ X`",
        "with X: float32 (2, 3, 4)",
        (
            "your code raised RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [2, 4] "
            "but got: [2, 3]."
        ),
    ),
    "matrices that do not multiply": (
        "    return weights\n",
        "    return X[0] @ X[0]\n",
        "matrices of 3x4 and 3x4 have no product: the first must have as many columns as the second has rows",
        "in line 9 of scoring/masked_softmax.py: `return X[0] @ X[0]`",
        "with X: float32 (2, 3, 4)",
        "your code raised RuntimeError: mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)",
    ),
    "an axis that is not there": (
        ".softmax(-1)\n    return weights",
        ".softmax(3)\n    return weights",
        "the axes of this tensor are -3 to 2, and 3 is none of them: -1 is the last axis",
        "in line 8 of scoring/masked_softmax.py: `weights = X.masked_fill(padded, -torch.inf).softmax(3)`",
        "with X: float32 (2, 3, 4), padded: bool (2, 1, 4)",
        "your code raised IndexError: Dimension out of range (expected to be in range of [-3, 2], but got 3)",
    ),
    "no axis": (
        "X.masked_fill(padded, -torch.inf).softmax(-1)",
        "torch.softmax(X)",
        "`softmax` must be told its `dim`: for an axis, which one?",
        "in line 8 of scoring/masked_softmax.py: `weights = torch.softmax(X)`",
        "with X: float32 (2, 3, 4)",
        'your code raised TypeError: softmax() missing 1 required positional arguments: "dim"',
    ),
    "a place that is not there": (
        "return weights",
        "return weights[9]",
        "there is no place 9 along axis 0: it has 2, counted from 0",
        "in line 9 of scoring/masked_softmax.py: `return weights[9]`",
        "with weights: float32 (2, 3, 4)",
        "your code raised IndexError: index 9 is out of bounds for dimension 0 with size 2",
    ),
    "a view of another size": (
        "return weights",
        "return weights.view(5, 7)",
        "the sizes of the shape [5, 7] must multiply to 24, as many numbers as there are",
        "in line 9 of scoring/masked_softmax.py: `return weights.view(5, 7)`",
        "with weights: float32 (2, 3, 4)",
        "your code raised RuntimeError: shape '[5, 7]' is invalid for input of size 24",
    ),
    "two dtypes": (
        "return weights",
        "return weights @ weights.double().transpose(1, 2)",
        "a Float tensor meets a Double one: give what you create the dtype of the inputs",
        "in line 9 of scoring/masked_softmax.py: `return weights @ weights.double().transpose(1, 2)`",
        "with weights: float32 (2, 3, 4)",
        "your code raised RuntimeError: expected scalar type Float but found Double",
    ),
    "integers": (
        ".softmax(-1)\n    return weights",
        ".long().softmax(-1)\n    return weights",
        "this needs fractions, and a tensor holds whole numbers (Long): stay with the dtype of the inputs",
        "in line 8 of scoring/masked_softmax.py: `weights = X.masked_fill(padded, -torch.inf).long().softmax(-1)`",
        "with X: float32 (2, 3, 4), padded: bool (2, 1, 4)",
        "your code raised NotImplementedError: \"softmax_lastdim_kernel_impl\" not implemented for 'Long'",
    ),
    "a tensor in a question": (
        "return weights",
        "return weights if weights > 0 else X",
        "a whole tensor is neither true nor false: use torch.where or a mask in place of `if`, `and`, `or`, `not`",
        "in line 9 of scoring/masked_softmax.py: `return weights if weights > 0 else X`",
        "with weights: float32 (2, 3, 4), X: float32 (2, 3, 4)",
        "your code raised RuntimeError: Boolean value of Tensor with more than one value is ambiguous",
    ),
    "a learning tensor in place": (
        "return weights",
        "weights = weights.clone().requires_grad_()\n    weights += 1\n    return weights",
        "a tensor that learns is changed in place: make a new one instead, `x = x + ...` for `x += ...`",
        "in line 10 of scoring/masked_softmax.py: `weights += 1`",
        "with weights: float32 (2, 3, 4)",
        "your code raised RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.",
    ),
    "numpy of a learning tensor": (
        "return weights",
        "return weights.requires_grad_().numpy()",
        "numpy would cut the gradient: use torch's function of the same name",
        "in line 9 of scoring/masked_softmax.py: `return weights.requires_grad_().numpy()`",
        "with weights: float32 (2, 3, 4)",
        (
            "your code raised RuntimeError: Can't call numpy() on Tensor that requires grad. Use "
            "tensor.detach().numpy() instead."
        ),
    ),
    "None has no method": (
        "    if valid_lens is None:\n        return X.softmax(-1)\n",
        "    if valid_lens.dim() == 9:\n        return X\n",
        "`valid_lens` is None here: was it passed as None, or does what made it lack a `return`?",
        "in line 5 of scoring/masked_softmax.py: `if valid_lens.dim() == 9:`",
        "your code raised AttributeError: 'NoneType' object has no attribute 'dim'",
    ),
    "None as a tensor": (
        "    if valid_lens is None:\n        return X.softmax(-1)\n",
        "",
        "something in this line is None: was it passed as None, or does what made it lack a `return`?",
        "in line 5 of scoring/masked_softmax.py: `padded = torch.arange(X.shape[-1]) >= valid_lens[:, None, None]`",
        "with X: float32 (2, 3, 4)",
        "your code raised TypeError: 'NoneType' object is not subscriptable",
    ),
    "None where a tensor belongs": (
        "return weights",
        "return torch.relu(print())",
        "`relu` got None instead of a tensor: is a function before it still blank, or without `return`?",
        "in line 9 of scoring/masked_softmax.py: `return torch.relu(print())`",
        "your code raised TypeError: relu(): argument 'input' (position 1) must be Tensor, not NoneType",
    ),
    "a number is called": (
        "return weights",
        "return weights.shape(0)",
        "round brackets call a function, and what stands before them is none: are square brackets wanted, or a `*`?",
        "in line 9 of scoring/masked_softmax.py: `return weights.shape(0)`",
        "with weights: float32 (2, 3, 4)",
        "your code raised TypeError: 'torch.Size' object is not callable",
    ),
    "a call with too much": (
        "return weights",
        "return masked_softmax(X, valid_lens, 1)",
        "`masked_softmax` takes from 1 to 2 arguments, and this line gives it 3",
        "in line 9 of scoring/masked_softmax.py: `return masked_softmax(X, valid_lens, 1)`",
        "with X: float32 (2, 3, 4), valid_lens: int64 (2,)",
        "your code raised TypeError: masked_softmax() takes from 1 to 2 positional arguments but 3 were given",
    ),
    "a call with too little": (
        "return weights",
        "return masked_softmax()",
        "this line calls `masked_softmax` without 'X'",
        "in line 9 of scoring/masked_softmax.py: `return masked_softmax()`",
        "your code raised TypeError: masked_softmax() missing 1 required positional argument: 'X'",
    ),
    "a GPU": (
        "return weights",
        "return weights.cuda()",
        "there is no GPU here: leave the tensors on the device on which they come",
        "in line 9 of scoring/masked_softmax.py: `return weights.cuda()`",
        "with weights: float32 (2, 3, 4)",
        "your code raised AssertionError: Torch not compiled with CUDA enabled",
    ),
    "not implemented": (
        "return weights",
        "raise NotImplementedError",
        "this part is not written yet: replace the line that raises by your code",
        "in line 9 of scoring/masked_softmax.py: `raise NotImplementedError`",
        "your code raised NotImplementedError",
    ),
    "an assert": (
        "return weights",
        "assert X.dim() == 2\n    return weights",
        "an `assert` of your own does not hold for these inputs",
        "in line 9 of scoring/masked_softmax.py: `assert X.dim() == 2`",
        "with X: float32 (2, 3, 4)",
        "your code raised AssertionError",
    ),
    "input": (
        "return weights",
        "return float(input('n? ')) * weights",
        "nobody can type while code is checked: take out `input()`",
        "in line 9 of scoring/masked_softmax.py: `return float(input('n? ')) * weights`",
        "with weights: float32 (2, 3, 4)",
        "your code raised EOFError: EOF when reading a line",
    ),
    "a file of data": (
        "import torch\n",
        "import torch\nDATA = open('data.csv').read()\n",
        "there is no file data.csv where code is checked: make the data in the code",
        "in line 2 of scoring/masked_softmax.py: `DATA = open('data.csv').read()`",
        "your code raised FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'",
    ),
    "exit": (
        "return weights\n",
        "return weights\n\n\nexit()\n",
        "take out `exit`: a file is imported, and used after that",
        "in line 12 of scoring/masked_softmax.py: `exit()`",
        "your code raised NameError: name 'exit' is not defined",
    ),
    "something else": (
        "return weights",
        "raise ValueError('the lengths are odd')",
        "your code raised ValueError: the lengths are odd",
        "in line 9 of scoring/masked_softmax.py: `raise ValueError('the lengths are odd')`",
    ),
    "a line that runs when imported": (
        "return weights\n",
        "return weights\n\n\nprint(masked_softmax(torch.ones(1, 1, 1)).shpe)\n",
        "there is no `shpe` here: did you mean `shape`?",
        "in line 12 of scoring/masked_softmax.py: `print(masked_softmax(torch.ones(1, 1, 1)).shpe)`",
        "your code raised AttributeError: 'Tensor' object has no attribute 'shpe'",
    ),
}
IN_A_CLASS = {
    "no super().__init__()": (
        "        super().__init__()\n",
        "",
        "`self.W_q` was used before `super().__init__()`: make that the first line of `__init__`",
        "in line 8 of scoring/attention.py: `self.W_q = nn.Linear(size, num_hiddens)`",
        "your code raised AttributeError: cannot assign module before Module.__init__() call",
    ),
    "super().__init__() last": (
        "        super().__init__()\n        self.W_q = nn.Linear(size, num_hiddens)",
        "        self.W_q = nn.Linear(size, num_hiddens)\n        super().__init__()",
        "`self.W_q` was used before `super().__init__()`: make that the first line of `__init__`",
        "in line 8 of scoring/attention.py: `self.W_q = nn.Linear(size, num_hiddens)`",
        "your code raised AttributeError: cannot assign module before Module.__init__() call",
    ),
    "no nn.Module": (
        "class Attention(nn.Module):",
        "class Attention:",
        "`Attention` is no nn.Module: write `class Attention(nn.Module):`, and in it first `super().__init__()`",
        "your code raised AttributeError: 'Attention' object has no attribute 'eval'",
    ),
    "the class is renamed": (
        "class Attention(",
        "class Atention(",
        "your file defines `Atention`, the exercise asks for `Attention`: rename it",
    ),
    "a function": (
        "class Attention(nn.Module):",
        "def Attention(size, num_hiddens):\n    return size\n\n\nclass Layer(nn.Module):",
        "your code gives a value of type int, which has no `.eval`: is a class or a tensor asked for?",
    ),
    "forward is misspelt": (
        "def forward",
        "def foward",
        "the class `Attention` has no `forward`, but `foward`: rename it",
        'your code raised NotImplementedError: Module [Attention] is missing the required "forward" function',
    ),
    "forward is missing": (
        FORWARD,
        "",
        "the class `Attention` has no method `forward`: write `def forward(self, ...)` in it",
        'your code raised NotImplementedError: Module [Attention] is missing the required "forward" function',
    ),
    "forward outside of the class": (
        FORWARD,
        "\n" + textwrap.dedent(FORWARD),
        "`forward` stands outside of the class `Attention`: put four spaces before each of its lines",
        'your code raised NotImplementedError: Module [Attention] is missing the required "forward" function',
    ),
    "forward inside of __init__": (
        FORWARD,
        textwrap.indent(FORWARD, "    "),
        "`forward` stands inside of `Attention.__init__`: move it to the left, to where `__init__` begins",
        'your code raised NotImplementedError: Module [Attention] is missing the required "forward" function',
    ),
    "__init__ is misspelt": (
        "def __init__",
        "def _init_",
        "the class `Attention` has no `__init__`, but `_init_`: rename it",
        "your code raised TypeError: Attention.__init__() takes 1 positional argument but 3 were given",
    ),
    "__init__ without self": (
        "__init__(self, ",
        "__init__(",
        "the first parameter of `Attention.__init__` must be `self`: write `def __init__(self, size, num_hiddens)`",
        "your code raised TypeError: Attention.__init__() takes 2 positional arguments but 3 were given",
    ),
    "forward without self": (
        "forward(self, ",
        "forward(",
        (
            "the first parameter of `Attention.forward` must be `self`: write `def forward(self, queries, keys, "
            "values, valid_lens)`"
        ),
        "your code raised TypeError: Attention.forward() takes from 3 to 4 positional arguments but 5 were given",
    ),
    "a parameter of __init__ too few": (
        "(self, size, num_hiddens):\n        super().__init__()",
        "(self, size):\n        super().__init__()\n        num_hiddens = 8",
        (
            "`Attention.__init__` takes 1 argument(s) (size), the exercise calls it with 2: (int, int). Give it "
            "the parameters that the exercise names"
        ),
        "your code raised TypeError: Attention.__init__() takes 2 positional arguments but 3 were given",
    ),
    "a parameter of forward too few": (
        ", valid_lens=None):",
        "):\n        valid_lens = None",
        (
            "`Attention.forward` takes 3 argument(s) (queries, keys, values), the exercise calls it with 4: "
            "(float32 (2, 3, 4), float32 (2, 5, 4), float32 (2, 5, 6), int64 (2,)). Give it the parameters that "
            "the exercise names"
        ),
        "your code raised TypeError: Attention.forward() takes 4 positional arguments but 5 were given",
    ),
    "self is forgotten": (
        "self.dropout(",
        "dropout(",
        "`dropout` belongs to the object: write `self.dropout`",
        "in line 16 of scoring/attention.py: `return dropout(self.attention_weights) @ values`",
        "with self.attention_weights: float32 (2, 3, 5), values: float32 (2, 5, 6)",
        "your code raised NameError: name 'dropout' is not defined",
    ),
    "self is forgotten in __init__": (
        "self.W_q = ",
        "W_q = ",
        "`Attention` has no attribute `W_q`: is it set, as `self.W_q = ...`, before it is asked for?",
        "in line 14 of scoring/attention.py: `scores = self.W_q(queries) @ self.W_k(keys).transpose(1, 2)`",
        "with queries: float32 (2, 3, 4), keys: float32 (2, 5, 4)",
        "your code raised AttributeError: 'Attention' object has no attribute 'W_q'",
    ),
    "an attribute is misspelt": (
        "self.W_q(queries)",
        "self.Wq(queries)",
        "there is no `Wq` here: did you mean `W_q`?",
        "in line 14 of scoring/attention.py: `scores = self.Wq(queries) @ self.W_k(keys).transpose(1, 2)`",
        "with queries: float32 (2, 3, 4), keys: float32 (2, 5, 4)",
        "your code raised AttributeError: 'Attention' object has no attribute 'Wq'",
    ),
    "weights are not kept": (
        (
            "        self.attention_weights = masked_softmax(scores, valid_lens)\n        return "
            "self.dropout(self.attention_weights)"
        ),
        "        weights = masked_softmax(scores, valid_lens)\n        return self.dropout(weights)",
        (
            "`Attention` has no attribute `attention_weights`: is it set, as `self.attention_weights = ...`, "
            "before it is asked for?"
        ),
        "your code raised AttributeError: 'Attention' object has no attribute 'attention_weights'",
    ),
    "forward returns nothing": (
        "return self.dropout(",
        "output = self.dropout(",
        "output is None: is a `return` missing?",
    ),
    "nn is not imported": (
        "from torch import nn\n",
        "",
        "`nn` is not imported: write `from torch import nn` at the top",
        "in line 5 of scoring/attention.py: `class Attention(nn.Module):`",
        "your code raised NameError: name 'nn' is not defined",
    ),
    "keys are not transposed": (
        ".transpose(1, 2)",
        "",
        "these matrices have no product: the second should have [2, 8] as its batch and rows, and has [2, 5]",
        "in line 14 of scoring/attention.py: `scores = self.W_q(queries) @ self.W_k(keys)`",
        "with queries: float32 (2, 3, 4), keys: float32 (2, 5, 4)",
        (
            "your code raised RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [2, 8] "
            "but got: [2, 5]."
        ),
    ),
    "an earlier exercise is misspelt": (
        "from scoring.masked_softmax import",
        "from scoring.maskedsoftmax import",
        "there is no `scoring.maskedsoftmax` here: did you mean `scoring.masked_softmax`?",
        "in line 2 of scoring/attention.py: `from scoring.maskedsoftmax import masked_softmax`",
        "your code raised ModuleNotFoundError: No module named 'scoring.maskedsoftmax'",
    ),
}
OF_AN_EARLIER_EXERCISE = {
    "no Python": (
        "is None:",
        "is None",
        "line 5 of scoring/masked_softmax.py is not Python: expected ':'",
        "        if valid_lens is None\n                             ^",
        "put a colon at the end of this line",
        "this exercise builds on scoring/masked_softmax.py: mend that first",
        "your code raised SyntaxError: expected ':'",
    ),
    "renamed": (
        DEF,
        "def weigh(X, valid_lens=None):",
        (
            "scoring/masked_softmax.py defines no `masked_softmax`, which this exercise imports: write it there "
            "first, or was it renamed?"
        ),
        "in line 2 of scoring/attention.py: `from scoring.masked_softmax import masked_softmax`",
        (
            "your code raised ImportError: cannot import name 'masked_softmax' from 'scoring.masked_softmax' "
            "(scoring/masked_softmax.py)"
        ),
    ),
    "it raises": (
        ".softmax(-1)\n    return weights",
        ".sofmax(-1)\n    return weights",
        "there is no `sofmax` here: did you mean `softmax`?",
        "in line 8 of scoring/masked_softmax.py: `weights = X.masked_fill(padded, -torch.inf).sofmax(-1)`",
        "with X: float32 (2, 3, 5), padded: bool (2, 1, 5)",
        "this exercise builds on scoring/masked_softmax.py: mend that first",
        "your code raised AttributeError: 'Tensor' object has no attribute 'sofmax'",
    ),
    "it returns nothing": (
        "    return weights\n",
        "",
        "`dropout` got None instead of a tensor: is a function before it still blank, or without `return`?",
        "in line 16 of scoring/attention.py: `return self.dropout(self.attention_weights) @ values`",
        "with values: float32 (2, 5, 6)",
        "your code raised TypeError: dropout(): argument 'input' (position 1) must be Tensor, not NoneType",
    ),
}
NAMES = {
    "": "",
    "scoring/maskedsoftmax.py": "scoring/masked_softmax.py",
    "scoring/masked-softmax.py": "scoring/masked_softmax.py",
    "scoring/masked_softmax (1).py": "scoring/masked_softmax.py",
    "scoring/masked_softmax_copy.py": "scoring/masked_softmax.py",
    "scoring/Masked_Softmax.py": "scoring/masked_softmax.py",
    "scoring/masked_softmax.txt": "scoring/masked_softmax.py",
    "scoring/masked_softmax.py.txt": "scoring/masked_softmax.py",
    "scoring/masked_sofmax.py": "scoring/masked_softmax.py",
    "masked_softmax.py": "scoring/masked_softmax.py",
    "cues/masked_softmax.py": "scoring/masked_softmax.py",
    "Scoring/masked_softmax.py": "scoring/masked_softmax.py",
    "scoring/scoring (1).ipynb": "scoring/scoring.ipynb",
    "scoring/Untitled.ipynb": "scoring/scoring.ipynb",
    "scoring.ipynb": "scoring/scoring.ipynb",
    "scoring/other.py": "",
    "scoring/atention.py": "",
}
NOTEBOOKS = {
    "untouched": (
        [STUB],
        "nothing is written in the cell of this exercise in scoring/scoring.ipynb yet. If you did, save it (Ctrl+S)",
    ),
    "without a cell": (
        [],
        (
            "scoring/scoring.ipynb has no cell that defines `masked_softmax`. If yours does, save the notebook "
            "(Ctrl+S) and check again"
        ),
    ),
    "with another function": (
        [changed(MASKED, DEF, "def maskedsoftmax(X, valid_lens=None):")],
        "your file defines `maskedsoftmax`, the exercise asks for `masked_softmax`: rename it",
    ),
    "an exception": (
        [changed(MASKED, "return weights", "return weights.shap")],
        "there is no `shap` here: did you mean `shape`?",
        "in line 9 of the cell that defines `masked_softmax`: `return weights.shap`",
        "with weights: float32 (2, 3, 4)",
        "your code raised AttributeError: 'Tensor' object has no attribute 'shap'",
    ),
    "no Python": (
        [changed(MASKED, "is None:", "is None")],
        "line 5 of the cell that defines `masked_softmax` is not Python: expected ':'",
        "        if valid_lens is None\n                             ^",
        "put a colon at the end of this line",
        "your code raised SyntaxError: expected ':'",
    ),
    "an exception in a helper": (
        [changed(MASKED, "return weights", "return polished(weights)"), "def polished(x):\n    return x.shap"],
        "there is no `shap` here: did you mean `shape`?",
        "in the cell that defines `polished`: `return x.shap`",
        "with x: float32 (2, 3, 4)",
        "your code raised AttributeError: 'Tensor' object has no attribute 'shap'",
    ),
}


@pytest.mark.parametrize("name", IN_A_FUNCTION)
def test_an_error_in_a_function_is_answered(check: Check, name: str) -> None:
    """Its name, its parameters, its lines and what it returns."""
    old, new, *paragraphs = IN_A_FUNCTION[name]
    assert said(check("masked_softmax", {"scoring/masked_softmax.py": changed(MASKED, old, new)})) == "\n\n".join(
        paragraphs
    )


@pytest.mark.parametrize("name", IN_A_CLASS)
def test_an_error_in_a_class_is_answered(check: Check, name: str) -> None:
    """Its methods, `self`, and what PyTorch asks of it."""
    old, new, *paragraphs = IN_A_CLASS[name]
    assert said(check("attention", RIGHT | {"scoring/attention.py": changed(ATTENTION, old, new)})) == "\n\n".join(
        paragraphs
    )


@pytest.mark.parametrize("name", OF_AN_EARLIER_EXERCISE)
def test_an_error_in_an_earlier_exercise_is_answered(check: Check, name: str) -> None:
    """An exercise that builds on it says where to go first."""
    old, new, *paragraphs = OF_AN_EARLIER_EXERCISE[name]
    assert said(check("attention", RIGHT | {"scoring/masked_softmax.py": changed(MASKED, old, new)})) == "\n\n".join(
        paragraphs
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_another_name_is_found(check: Check, name: str) -> None:
    """Where no file has the right one, the name that is nearest to it is named."""
    result = check("masked_softmax", {name: MASKED} if name else {})
    wanted = f"{name} is not looked at: rename it to {NAMES[name]}, and check again" if NAMES[name] else NO_FILE
    assert (result.status, said(result)) == ("missing", wanted)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_error_in_a_notebook_is_answered(check: Check, name: str) -> None:
    """By the cell and its line, or by what to save."""
    cells, *paragraphs = NOTEBOOKS[name]
    assert said(check("masked_softmax", {"scoring/scoring.ipynb": notebook(*cells)})) == "\n\n".join(paragraphs)


def notebook(*sources: str) -> str:
    """A notebook as Jupyter saves it, the first cell that of the exercise."""
    ids = ["scoring-masked_softmax-code", *(f"own-{number}" for number in range(1, len(sources)))]
    cells = [
        {"cell_type": "code", "execution_count": 1, "id": name, "metadata": {}, "outputs": [], "source": source}
        for name, source in zip(ids, sources, strict=False)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_stub_is_no_wall_of_red(check: Check) -> None:
    """One check says that nothing is written; the others wait."""
    result = check("masked_softmax", {"scoring/masked_softmax.py": STUB})
    assert [prop.outcome for prop in result.properties] == ["failed", "skipped"]
    assert result.properties[0].message == (
        "nothing is written in scoring/masked_softmax.py yet: "
        "replace its `...` by your code. If you did, save it (Ctrl+S)"
    )
    assert result.properties[0].counterexample is None


def test_a_stub_beside_a_copy_that_was_filled_in_names_the_copy(check: Check) -> None:
    """As a browser saves a file whose name is taken."""
    copy = "scoring/masked_softmax (1).py"
    result = check("masked_softmax", {"scoring/masked_softmax.py": STUB, copy: MASKED})
    assert result.notes == [f"{copy} is not looked at: rename it to scoring/masked_softmax.py, and check again"]


def test_a_stub_beside_an_untouched_notebook_names_both(check: Check) -> None:
    """A released copy may hold both."""
    files = {"scoring/masked_softmax.py": STUB, "scoring/scoring.ipynb": notebook(STUB)}
    assert said(check("masked_softmax", files)) == (
        "nothing is written in scoring/masked_softmax.py or scoring/scoring.ipynb yet. "
        "If you did, save it (Ctrl+S) and check again"
    )


def test_a_loop_without_end_is_answered_and_keeps_its_outcome(check: Check) -> None:
    """It is stopped, and said so."""
    text = changed(MASKED, "        return X.softmax(-1)", "        while True: pass")
    (gate, lengths) = check("masked_softmax", {"scoring/masked_softmax.py": text}).properties
    assert (gate.outcome, lengths.outcome) == ("passed", "timeout")
    assert lengths.message.startswith("no answer within 2 s")
    assert lengths.message.endswith("does a loop never end?")


def test_endless_recursion_is_answered_by_the_line_that_calls_itself(check: Check) -> None:
    """Python's own words for it depend on where the limit strikes."""
    text = changed(MASKED, "return weights", "return masked_softmax(X, valid_lens)")
    sentence, line, *_ = said(check("masked_softmax", {"scoring/masked_softmax.py": text})).split("\n\n")
    assert sentence == "a function calls itself again and again: when does it stop?"
    assert line == "in line 9 of scoring/masked_softmax.py: `return masked_softmax(X, valid_lens)`"


def test_a_helper_in_a_cell_to_try_things_in_is_noted(check: Check) -> None:
    """It does not count, and the note says where to move it."""
    cells = json.loads(
        notebook(changed(MASKED, "return weights", "return polished(weights)"), "def polished(x): return x")
    )
    cells["cells"][1]["id"] = "scoring-masked_softmax-example"
    result = check("masked_softmax", {"scoring/scoring.ipynb": json.dumps(cells)})
    assert said(result).startswith("nothing here is called `polished`")
    assert result.notes == ["cell 2 is there to try things and does not count: move polished to another one"]
