"""Which `raise` statements of the package no test has reached.

Run the tests under coverage (`coverage run --source=src/headcheck -m pytest`, then `coverage json`), and this script on
the report: `python tests/raises_reached.py coverage.json`. It lists each `raise` whose line was not executed, a bare
one included, and exits 1 if there is any. A line excluded from coverage must say why: `# pragma: no cover - REASON`.
Modules that need what only another environment has are asked for there, by name behind the report.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "headcheck"
ELSEWHERE = ("nbgrader_bridge",)
EXCUSE = re.compile(r"#\s*pragma: no cover\b(?P<reason>.*)")


def unreached(source: str, executed: set[int]) -> list[tuple[int, str]]:
    """Line and text of every `raise` that was not executed and is not excused with a reason."""
    lines = source.splitlines()
    raises = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Raise)]
    return sorted(
        (node.lineno, lines[node.lineno - 1].strip())
        for node in raises
        if node.lineno not in executed and not is_excused(lines[node.lineno - 1])
    )


def is_excused(line: str) -> bool:
    """Whether the line is excluded, and says why."""
    excuse = EXCUSE.search(line)
    return bool(excuse and excuse["reason"].strip(" -"))


def main(report: Path, modules: list[str]) -> int:
    """Print what was not reached in these modules, by default in all that need nothing special; the exit code."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    executed = {Path(name).resolve(): set(data["executed_lines"]) for name, data in files.items()}
    found = [
        f"{path.relative_to(PACKAGE.parents[1])}:{line}: {text}"
        for path in sorted(PACKAGE.glob("*.py"))
        if (path.stem in modules if modules else path.stem not in ELSEWHERE)
        for line, text in unreached(path.read_text(encoding="utf-8"), executed.get(path, set()))
    ]
    print("\n".join(found) or "Every raise was reached.")  # noqa: T201  (a script)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
