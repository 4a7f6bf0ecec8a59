"""The book's own published code earns every core point of the exercises whose interface it shares.

The code is taken from the d2l package at test time, definition by definition; it is never imported here, and no line of
it is kept.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter

import pytest

from headcheck.grading import Paper

PACKAGE = "d2l==0.17.6"
PREAMBLE = "\nimport collections, math, torch\nfrom torch import arange, nn, zeros\n"
ATTENTION = ["sequence_mask", "masked_softmax", "DotProductAttention"]
HEADS = [*ATTENTION, "transpose_qkv", "transpose_output", "MultiHeadAttention"]
BLOCK = [*HEADS, "PositionWiseFFN", "AddNorm", "PositionalEncoding", "Encoder"]
NEEDED = {
    "scoring/masked_softmax": ["sequence_mask", "masked_softmax"],
    "scoring/additive_attention": ["sequence_mask", "masked_softmax", "AdditiveAttention"],
    "scoring/dot_product_attention": ATTENTION,
    "multihead/head_reshape": ["transpose_qkv", "transpose_output"],
    "multihead/multi_head_attention": HEADS,
    "bahdanau/seq2seq_training": ["bleu"],
    "self_attention/positional_encoding": ["PositionalEncoding"],
    "transformer/positionwise_ffn": ["PositionWiseFFN"],
    "transformer/add_norm": ["AddNorm"],
    "transformer/transformer_encoder": [*BLOCK, "EncoderBlock", "TransformerEncoder"],
}


@pytest.fixture(scope="session")
def definitions(tmp_path_factory):
    """The book's functions and classes for PyTorch, by name."""
    directory = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(directory), PACKAGE]
    done = subprocess.run(command, check=False, env={**os.environ, "PIP_CONSTRAINT": ""})
    if done.returncode and not os.environ.get("CI"):
        pytest.skip("the book's package cannot be downloaded here")
    with zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel:
        text = wheel.read("d2l/torch.py").decode()
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return {node.name: ast.get_source_segment(text, node) for node in nodes}


@pytest.mark.parametrize("name", NEEDED)
def test_the_books_code_earns_every_core_point(name, definitions, grader, course):
    """Graded as a submission, in the sandbox, it fails no core property."""
    exercise = course.exercise(name)
    rest = "" if set(exercise.written_names()) <= set(NEEDED[name]) else exercise.reference.read_text()
    text = "\n\n".join([rest + PREAMBLE, *(definitions[each].replace("d2l.", "") for each in NEEDED[name])])
    sources = course.reference_sources(exercise) | {exercise.module: text.encode()}
    result = grader.grade(Paper(exercise, sources, []), everything=True)
    assert [(p.name, p.message) for p in result.properties if p.group == "core" and p.outcome != "passed"] == []
    assert result.status == "passed"


def test_every_exercise_of_the_book_has_its_place(course):
    """The table in docs/the-book.md names exercises that exist, and says of each what the course says."""
    text = (course.root / "docs" / "the-book.md").read_text()
    rows = re.findall(
        r"^\| ((?:en )?1\d\.\d(?:\.\d)?) \| (\d?) \| .* \| `(\w+/\w+)` \| (yes|) ?\|$", text, re.MULTILINE
    )
    counts = {"10.1.5": 2, "10.2.6": 4, "10.3.5": 3, "10.4.5": 2, "10.5.4": 2, "10.6.5": 2, "10.7.8": 6}
    assert Counter(section for section, *_ in rows if not section.startswith("en")) == counts
    for section, number, name, in_words in rows:
        exercise = course.exercise(name)
        assert section in exercise.book
        assert not number or exercise.book.endswith(f"exercise {number}")
        assert exercise.question.is_file() == bool(in_words)
