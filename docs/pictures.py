"""The pictures of the documentation, made of what headcheck really says and shows: docs/pictures/.

    python docs/pictures.py [RESULTS]

It needs Chromium, and takes the minute in which a section of the example class is graded, unless RESULTS holds it.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS = 88
WIDTH = 1100
HEIGHT = 1500  # at most
MARGIN = 24
COLOURS = 64
CHIDI = ("scoring/masked_softmax", "--dir", "examples/submitted/chidi")
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars")
INK = (34, 34, 34)
RED, GREEN, YELLOW, BLUE = (176, 30, 30), (20, 110, 60), (140, 90, 0), (30, 80, 160)
MAGENTA, CYAN, GREY = (130, 50, 130), (0, 110, 120), (90, 90, 90)
PAPER = TerminalTheme((255, 255, 255), INK, [INK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, GREY])


def headcheck(*arguments: str, **environment: str) -> str:
    """What a command says; one that fails without a word is an error."""
    command = [sys.executable, "-m", "headcheck.cli", *arguments]
    everything = os.environ | {"LC_ALL": "C.UTF-8"} | environment
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=everything)
    if not told.stdout:
        raise SystemExit(told.stderr)
    return told.stdout


def draw_terminal(name: str, *arguments: str) -> None:
    """A command and what it says, as an SVG that loads no font."""
    said = headcheck(*arguments, FORCE_COLOR="1", COLUMNS=str(COLUMNS))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ headcheck {' '.join(arguments)}\n", "bold"))
    console.print(Text.from_ansi(said.rstrip()))
    drawn = console.export_svg(title="", theme=PAPER, unique_id="t")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    (PICTURES / name).write_text(drawn.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")


def draw_page(name: str, page: Path) -> None:
    """A page as Chromium shows it, without the emptiness below it."""
    with tempfile.TemporaryDirectory() as scratch:
        shot = Path(scratch) / "shot.png"
        flags = [f"--user-data-dir={scratch}/profile", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={shot}"]
        subprocess.run(["chromium", *CHROMIUM, *flags, page.as_uri()], check=True, capture_output=True)
        image = Image.open(shot).convert("RGB")
    paper = Image.new("RGB", image.size, image.getpixel((0, image.height - 1)))
    _, _, _, bottom = ImageChops.difference(image, paper).getbbox()
    image = image.crop((0, 0, WIDTH, min(bottom + MARGIN, HEIGHT)))
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


def main(results: Path | None) -> None:
    """Make them all."""
    draw_terminal("terminal.svg", "check", *CHIDI)
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "page.html"
        headcheck("check", *CHIDI, "--html", str(page))
        draw_page("page.png", page)
        if results is None:
            results = Path(scratch) / "results"
            headcheck("grade", "examples/submitted", "--section", "scoring", "-o", str(results))
        draw_page("class.png", results.absolute() / "report" / "index.html")
    for picture in sorted(PICTURES.iterdir()):
        print(f"{picture.stat().st_size // 1024:5} KiB  {picture.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
