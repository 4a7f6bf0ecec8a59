"""headcheck: auto-graded exercises on attention, with graders that are themselves proven.

Here are the two names for notebooks: `%load_ext headcheck` brings `%check`, and `headcheck.check` does the same.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def check(name: str | None = None, *, everything: bool = False, hint: bool = False, lang: str | None = None) -> Any:
    """Check `section/slug`, or what was begun of a section or of all, as it was run here; show what comes back."""
    from headcheck import jupyter

    return jupyter.check(name, everything=everything, hint=hint, lang=lang)


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext headcheck` calls."""
    from headcheck import jupyter

    jupyter.load(shell)
