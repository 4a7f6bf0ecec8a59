"""All that somebody sees who asks for Chinese, from beginning to grading: no English sentence is left in it.

What is code stays: names, numbers, paths, commands, what stands in backquotes, and Python's own words in an exception.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from headcheck import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

WRONG = """import torch

print("从得分到权重")

def masked_softmax(X, valid_lens=None):
    weights = X.softmax(-1)
    if valid_lens is None:
        return weights
    lens = valid_lens[:, None, None] if valid_lens.dim() == 1 else valid_lens[:, :, None]
    return weights.masked_fill(torch.arange(X.shape[-1]) >= lens, 0.0)
"""
RAISING = """from torch import nn


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout, **kwargs):
        super().__init__()

    def forward(self, queries, keys, values, valid_lens=None):
        raise ValueError("还没写完")
"""
UNREADABLE = "def bilinear(X):\n  return (X\n"
PYTHON_SAYS = "'(' was never closed"
Defined = ast.Module | ast.FunctionDef | ast.ClassDef
WORK = {
    "scoring/masked_softmax.py": WRONG,
    "scoring/additive_attention.py": RAISING,
    "scoring/bilinear_attention.py": UNREADABLE,
    "multihead/head_reshape.py": (ROOT / "reference/multihead/head_reshape.py").read_text(encoding="utf-8"),
    "kernel_regression/new_parametric_pooling.py": (ROOT / "reference/kernel_regression/new_parametric_pooling.py")
    .read_text(encoding="utf-8")
    .replace("torch.ones(num_features)", "torch.ones(1)"),
}

CODE = (
    r"```.*?```",
    r"`[^`\n]*(?:\n[^`\n]+)?`",  # in a line, which may be broken once
    r"^ *(?:>>>|\.\.\.) .*$|^ {4,}(?:def|return) .*$|^(?:from|import) .*$",
    rf"headcheck (?:{'|'.join(cli.main.commands)})\b",
    r"\((?:[\w*]+, *)*[\w*]+,?\)",  # shapes
    r"[\w()]*[_/\\()=<>{}\[\]*@$#|+0-9.][\w()_/\\=<>{}\[\]*@$#|+.:-]*",  # names, paths, numbers, formulas
    r"--?[a-z][\w-]*",  # options
)
WORD = r"[A-Za-z][a-z]+(?:'[a-z]+)?"
WORDS = re.compile(rf"(?<![\w.-]){WORD}(?:[,;:]? {WORD})+(?![\w-])", re.ASCII)


def english(text: str) -> list[str]:
    """The runs of two English words and more, outside of code."""
    for pattern in CODE:
        text = re.sub(pattern, " · ", text, flags=re.DOTALL | re.MULTILINE)
    return WORDS.findall(text)


class Shown(HTMLParser):
    """What a page shows and says, without its code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._silent: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "title", "alt")]
        if tag in ("style", "pre", "code"):
            self._silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append("" if self._silent else data)


def prose(path: Path) -> Iterator[str]:
    """What a reader of a file reads in it as a text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        yield from Shown(text).texts
    elif path.suffix == ".py":
        yield from docstrings(text)
    elif path.suffix == ".ipynb":
        for cell in json.loads(text)["cells"]:
            source = "".join(cell["source"])
            yield from [source] if cell["cell_type"] == "markdown" else docstrings(source.replace("%", "# %"))
    else:
        yield text


def docstrings(source: str) -> list[str]:
    """Those of the file and of what it defines."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, Defined))
    return [text for node in nodes if (text := ast.get_docstring(node))]


def spans(source: str) -> set[str]:
    """What stands in backquotes in a file's docstrings."""
    return {span for text in docstrings(source) for span in re.findall(r"`[^`]+`", " ".join(text.split()))}


def code(source: str) -> str:
    """A file without what is prose in it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, Defined) and ast.get_docstring(node):
            node.body[0] = ast.Expr(ast.Constant("a docstring"))
    return ast.unparse(tree)


class Ran(NamedTuple):
    """How a command ended, and all that it said."""

    code: int
    said: str


def headcheck(*arguments: object, where: Path = ROOT) -> Ran:
    """Run a command as its own process, in Chinese."""
    command = [sys.executable, "-m", "headcheck.cli", "--lang", "zh", *map(str, arguments)]
    environment = os.environ | {"LC_ALL": "C.UTF-8", "COLUMNS": "100", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's own copy, begun in Chinese, with work of every kind."""
    directory = tmp_path_factory.mktemp("chinese") / "attention"
    ran = headcheck("start", directory, "--format", "both")
    assert ran.code == 0, ran
    assert english(ran.said) == []
    return directory


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work of every kind: right, wrong, raising, no Python, badly trained, and much that was not begun."""
    directory = tmp_path_factory.mktemp("work")
    for name, text in WORK.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def left_in(path: Path) -> list[str]:
    """What of a file is English."""
    return [run for text in prose(path) for run in english(text)]


def test_sentences_are_seen_and_code_is_not(tmp_path: Path) -> None:
    """The one that looks is no use if it sees nothing."""
    assert english("这里 is left 的") == ["is left"]
    assert english("查询, keys not translated。") == ["keys not translated"]
    assert english("你的 `return x if y` 和 valid_lens 以及 torch.arange(3) 与 num_heads, X") == []
    assert english("形状是 (batch, queries) 的 softmax，用 headcheck check 检查") == []
    page = tmp_path / "page.html"
    page.write_text('<p title="the name">一<b>two words</b></p><pre>no prose</pre>', encoding="utf-8")
    assert left_in(page) == ["the name", "two words"]


def test_what_start_writes_is_chinese(copy: Path) -> None:
    """Prompts, questions and notebooks; code that is handed out has the words of its authors."""
    written = [path for path in sorted(copy.rglob("*.*")) if not {"graders", "given"} & set(path.parts)]
    assert {path.suffix for path in written} > {".py", ".md", ".ipynb"}
    assert {path: left for path in written if path.suffix in (".py", ".md", ".ipynb") and (left := left_in(path))} == {}


def test_the_code_that_start_writes_is_the_course_s(copy: Path) -> None:
    """Only docstrings differ, and in these every piece of code is that of the English ones."""
    for path in sorted((copy / "assignments").rglob("*.py")):
        here = path.read_text(encoding="utf-8")
        there = (ROOT / path.relative_to(copy)).read_text(encoding="utf-8")
        assert code(here) == code(there), path
        assert spans(here) <= spans(there), path


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "这是其中第一项"),
        (["scoring/masked_softmax", "--hint"], "第 1 条提示"),
        (["cues", "--hint"], "还什么都没开始"),
    ],
    ids=["all", "one", "blank"],
)
def test_a_check_speaks_chinese(copy: Path, work: Path, arguments: list[str], shown: str) -> None:
    """What to mend first, a further hint, what to begin."""
    said = headcheck("check", *arguments, "--dir", work, where=copy).said
    assert shown in said
    assert english(said) == []


def test_a_check_with_everything_and_its_page_speak_chinese(copy: Path, work: Path, tmp_path: Path) -> None:
    """Right, wrong, raising and unreadable work, with all that there is to say of it."""
    page = tmp_path / "page.html"
    ran = headcheck("check", "--all", "--html", page, "--dir", work, where=copy)
    assert ran.code == cli.EXIT_FAILED
    assert "还没写完" in ran.said
    assert english(ran.said.replace(PYTHON_SAYS, "")) == []
    text = page.read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in text
    page.write_text(text.replace(PYTHON_SAYS.replace("'", "&#39;"), ""), encoding="utf-8")
    assert left_in(page) == []


def test_what_a_release_holds_is_chinese(tmp_path: Path) -> None:
    """Its table of points, and what it says of hidden checks, too."""
    ran = headcheck("release", tmp_path / "students", "--format", "py")
    assert (ran.code, english(ran.said)) == (0, [])
    assert left_in(tmp_path / "students" / "README.md") == []


def test_what_an_instructor_sees_is_chinese(work: Path, tmp_path: Path) -> None:
    """The table of a class and its pages, with mistakes by their names, steps, and curves of training."""
    shutil.copytree(work, tmp_path / "submitted" / "amber")
    ran = headcheck("grade", tmp_path / "submitted", "-o", tmp_path / "results", "--jobs", 1)
    assert (ran.code, english(ran.said)) == (0, [])
    for path in (tmp_path / "results").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(PYTHON_SAYS.replace("'", "&#39;"), ""), encoding="utf-8")
        assert left_in(path) == [], path


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in cli.main.commands), ["doctor"]])
def test_help_and_the_doctor_speak_chinese(arguments: list[str]) -> None:
    """Of every command, with its options."""
    assert english(headcheck(*arguments).said) == []


@pytest.mark.parametrize(
    "arguments",
    [["chekc"], ["check", "--al"], ["check", "a", "b"], ["release"], ["check", "--dir", "none"], ["check", "no/where"]],
)
def test_what_is_mistyped_is_said_in_chinese(arguments: list[str]) -> None:
    """By the command line itself, too."""
    ran = headcheck(*arguments)
    assert (ran.code, english(ran.said)) == (cli.EXIT_USAGE, [])
