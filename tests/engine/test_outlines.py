"""Outlines: what no disguise changes, what every other idea does, and that no text can do more than be refused."""

from __future__ import annotations

import pytest

from headcheck.outlines import MAX_TEXT, PIECE, TooLong, outline

PLAIN = """import torch
from torch import nn
from torch.nn import functional as F


def weigh(scores, lens=None):
    if lens is None:
        return torch.softmax(scores, dim=-1)
    kept = torch.arange(scores.shape[-1]) < lens[:, None]
    return F.softmax(scores.masked_fill(~kept, -1e6) + 1.5 * lens, dim=-1)


class Pool(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size, dtype=torch.float32))

    def forward(self, x):
        return (self.scale * x).sum(dim=1, keepdim=True)
"""


def pieces(text):
    """What a text is compared by."""
    return set(outline(text).pieces) - {0}


def changed(*pairs):
    """`PLAIN` with parts of it replaced."""
    text = PLAIN
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "pairs",
    [
        [("scores", "s"), ("kept", "mask"), ("lens", "n"), ("scale", "w"), ("weigh", "attend"), ("Pool", "P")],
        [("def weigh(scores, lens=None):\n", 'def weigh(scores: "Tensor", lens=None) -> "Tensor":\n    """It."""\n')],
        [("    kept = ", "    # which are kept?\n\n    kept: object = (\n"), ("lens[:, None]\n", "lens[:, None])\n")],
        [
            ("import torch\n", "import torch as t\n"),
            *((f"{by}torch.", f"{by}t.") for by in ("return ", " = ", "(", "=")),
        ],
        [
            ("from torch.nn import functional as F", "from torch.nn.functional import softmax as sm"),
            ("F.softmax", "sm"),
        ],
        [("torch.softmax(scores, dim=-1)", "scores.softmax(-1)")],
        [("dim=1, keepdim=True", "keepdim=True, dim=1")],
        [("(self.scale * x)", "(x * self.scale)"), (" + 1.5 * lens", " + lens * 1.5")],
        [("torch.arange(scores.shape[-1]) < lens[:, None]", "lens[:, None] > torch.arange(scores.shape[-1])")],
        [("-1e6", "-1_000_000")],
    ],
)
def test_a_disguise_changes_nothing(pairs):
    """New names, annotations, layout, imports, a method for its function, another order of what has none."""
    assert pieces(changed(*pairs)) == pieces(PLAIN)


def test_the_order_of_definitions_changes_nothing():
    """Functions, classes and methods may stand where they like."""
    head, weigh, pool = PLAIN.split("\n\n\n")
    constructor, forward = pool.split("\n\n")
    name, constructor = constructor.split("\n", 1)
    assert pieces("\n\n\n".join([head, f"{name}\n{forward}\n{constructor}", weigh])) == pieces(PLAIN)


@pytest.mark.parametrize(
    "pairs",
    [
        [("-1e6", "-1e9")],
        [("masked_fill", "masked_scatter")],
        [("1.5 * lens", "1.5 / lens")],
        [("< lens[:, None]", "<= lens[:, None]")],
        [("lens[:, None]", "lens[None, :]")],
    ],
)
def test_another_idea_changes_some(pairs):
    """A number, a function, an operation, an order that matters; all else is still the same."""
    other = pieces(changed(*pairs))
    assert 0 < len(other - pieces(PLAIN)) <= 3 * PIECE
    assert other & pieces(PLAIN)


def test_each_part_has_its_line():
    """Where a piece begins, and how far it goes, is told in lines of the text."""
    found = outline("# first\nx = ~1\n\ny = [x,\n     2]\n")
    assert found.lines == [2, 2, 2, 2, 2, 4, 4, 4, 4, 5]
    assert [bool(piece) for piece in found.pieces] == 3 * [True] + (PIECE - 1) * [False]


def test_a_text_without_code_has_no_pieces():
    """A docstring, imports, `...` and `pass` are nobody's."""
    assert outline('"""Words."""\nimport torch\n...\npass\n') == ([], [])


def test_a_text_that_is_too_long_is_refused():
    """Before anything is made of it."""
    assert outline("#" * MAX_TEXT) == ([], [])
    with pytest.raises(TooLong):
        outline("#" * MAX_TEXT + "#")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "x = " + "[" * 150 + "]" * 150,
        "-" * 60_000 + "1",
        "x" + ".y" * 30_000,
        "x = 1" + " + 1" * 15_000,
        "not " * 15_000 + "x",
        "x = 0x" + "f" * 60_000,
        "x = " + "9" * 60_000,
        "x = 1\0",
        "x = '\\ud800'\n\N{MATHEMATICAL BOLD SMALL X} = 1e999j",
        "if x:\n" * 99 + "x",
        "".join(" " * depth + "if x:\n" for depth in range(99)),
        "f(" + "x," * 30_000 + ")",
        "lambda: " * 8_000 + "0",
    ],
)
def test_an_odd_text_is_read_or_refused(text):
    """Numbers without end, NULs, what is nested a thousandfold: an outline, or one of four exceptions."""
    try:
        found = outline(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    assert len(found.pieces) == len(found.lines) <= MAX_TEXT
