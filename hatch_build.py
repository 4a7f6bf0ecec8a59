"""Put the chapter's public files into the packages, for `headcheck start`: chosen by their paths; none is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PUBLIC = ("assignments/**/*", "graders/*/*/public.py", "graders/*/*/public.*.po")
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints")


class ChapterHook(BuildHookInterface):
    """Adds the files of a checkout; what is built from an sdist finds them among the package's own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell the builder where each file goes; an editable install reads the checkout."""
        if version == "editable":
            return
        package = "src/headcheck" if self.target_name == "sdist" else "headcheck"
        build_data["force_include"] |= {
            str(path): f"{package}/chapter/{path.relative_to(self.root).as_posix()}"
            for path in chapter(Path(self.root))
        }


def chapter(root: Path) -> list[Path]:
    """The public files of a checkout; none where there is no chapter."""
    found = {path for pattern in PUBLIC for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not set(path.parts) & set(LEFT_OUT))
