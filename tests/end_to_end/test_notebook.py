"""A student's notebook, executed for real: `%check` shows the rich result."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]
MISTAKE = """
import torch


def masked_softmax(X, valid_lens=None):
    if valid_lens is None:
        return X.softmax(-1)
    lengths = valid_lens[:, None, None] if valid_lens.dim() == 1 else valid_lens[:, :, None]
    return X.softmax(-1) * (torch.arange(X.shape[-1]) < lengths)
"""


def test_a_check_in_a_notebook_shows_the_mistake(tmp_path):
    """The sentence, got and wanted as matrices, the hint; a page and a text, for whatever shows the notebook."""
    copy = tmp_path / "chapter"
    for tree in ("assignments", "graders"):
        shutil.copytree(ROOT / tree, copy / tree, ignore=shutil.ignore_patterns("hidden.py", "misconceptions.py"))
    cells = ["%load_ext headcheck", MISTAKE, "%check scoring/masked_softmax"]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    here = {"metadata": {"path": copy / "assignments" / "scoring"}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=here).execute()
    (output,) = notebook.cells[-1].outputs
    page, text = output.data["text/html"], output.data["text/plain"]
    for shown in (page, text):
        assert "wanted" in shown
        assert "Hint" in shown
    assert '<table class="matrix">' in page
    nbformat.validate(notebook)
