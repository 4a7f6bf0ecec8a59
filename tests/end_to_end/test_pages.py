"""The report as a browser shows it: on a phone, on paper, without a script, and with nothing from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headcheck.html import report_pages
from headcheck.results import ExerciseResult, section_result

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PHONE = 390
SECONDS = 120
CHROMIUM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=4000",
)  # fmt: skip
POOLING = ROOT / "reference" / "kernel_regression" / "new_parametric_pooling.py"
MASKED = ROOT / "examples" / "submitted" / "chidi" / "scoring" / "masked_softmax.py"

POLICY = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
CLASS_PAGES = ("index.html", "matrix.html", "exercises/scoring-masked_softmax.html")

MEASURED = "parent.postMessage(document.documentElement.scrollWidth, '*')"
MEASURING = f"<script>addEventListener('load', () => {MEASURED})</script>"
FRAME = """<!doctype html><body><iframe src="{page}" width="{width}" height="4000"></iframe>
<script>addEventListener('message', (said) => document.body.append('measured ' + said.data + '.'))</script>"""

SCROLLED = """<script>addEventListener('load', () => {
    const sheet = document.querySelector('.sheet'), edge = sheet.getBoundingClientRect()
    const at = (x, y) => document.elementFromPoint(edge.left + x, edge.top + y)?.closest('th, td')?.textContent.trim()
    sheet.scrollTo(400, 2000)
    document.body.append(`name ${at(20, 250)}, title ${at(250, 90)}, cell ${at(250, 250)}.`)
})</script>"""


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on one student: a mistake with a name, and a training that does not come far enough."""
    home = tmp_path_factory.mktemp("pages")
    written = {
        "scoring/masked_softmax.py": MASKED.read_text(encoding="utf-8"),
        "kernel_regression/new_parametric_pooling.py": POOLING.read_text(encoding="utf-8").replace(
            "torch.ones(num_features)", "torch.ones(1)"
        ),
    }
    for name, text in written.items():
        path = home / "submitted" / "chidi" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "headcheck.cli", "grade", str(home / "submitted"), "-o", str(home / "results")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return home / "results" / "report"


@pytest.fixture(scope="session")
def page(report: Path) -> Path:
    """The student's page."""
    return report / "students" / "1-chidi.html"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Chromium with these arguments."""
    program = shutil.which("chromium")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    profile = tmp_path_factory.mktemp("profile")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [program, *CHROMIUM, f"--user-data-dir={profile}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)

    return run


class Seen(HTMLParser):
    """The text of a document, and whatever it would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.foreign: list[str] = []
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._hidden += tag == "style"
        found = [name for name, _ in attrs if name in ("src", "srcset", "data", "action") or name.startswith("on")]
        self.foreign += [tag] * (tag in ("script", "link", "img", "iframe", "object")) + found

    def handle_endtag(self, tag):
        self._hidden -= tag == "style"

    def handle_data(self, data):
        self.words += [] if self._hidden else data.split()


def test_a_student_reads_what_is_wrong_and_what_to_do(page, chromium):
    """The mistake by name, the claim, the numbers, the hint; the training with its threshold and a right model."""
    text = " ".join(Seen(chromium("--dump-dom", page.as_uri()).stdout).words)
    parts = ["Masked softmax", "The mistake: mask after softmax", "Fix this first", "row sums", "Hint"]
    assert re.search(".*".join(map(re.escape, parts)), text)
    parts = ["A pooling of your own", "The mean squared error on new points", "Yours: 0.236", "A right model: 0.0131"]
    assert re.search(".*".join([*map(re.escape, parts), re.escape("at most 0.12")]), text, re.IGNORECASE)
    assert "there is no file" not in text


def test_nothing_runs_or_comes_from_elsewhere(report, page, chromium):
    """No element would load or run anything, and Chromium has nothing to complain of."""
    for path in (*(report / name for name in CLASS_PAGES), page):
        shown = chromium("--dump-dom", path.as_uri())
        assert Seen(shown.stdout).foreign == []
        assert "CONSOLE" not in shown.stderr
        assert not re.search(r"https?:", shown.stdout)


@pytest.mark.parametrize("opened", [False, True])
def test_the_page_is_no_wider_than_a_phone(page, chromium, tmp_path, opened):
    """Nothing has to be scrolled sideways but a large matrix, inside itself; with everything unfolded as well."""
    text = page.read_text(encoding="utf-8")
    assert (
        width_on_a_phone(re.sub("<details[^>]*>", "<details open>", text) if opened else text, chromium, tmp_path)
        <= PHONE
    )


@pytest.mark.parametrize("name", CLASS_PAGES)
def test_pages_of_the_class_are_no_wider_than_a_phone(report, chromium, tmp_path, name):
    """Tables scroll inside themselves."""
    text = re.sub("<details[^>]*>", "<details open>", (report / name).read_text(encoding="utf-8"))
    assert width_on_a_phone(text, chromium, tmp_path) <= PHONE


def test_an_instructor_finds_who_is_missing_and_what_is_wrong(report, chromium):
    """From the mistake by name to the student's page, at the exercise."""
    shown = chromium("--dump-dom", (report / "index.html").as_uri()).stdout
    text = " ".join(Seen(shown).words)
    assert re.search(r"1\u00d7 mask after softmax Masked softmax .* chidi", text)
    assert '<a href="students/1-chidi.html#scoring-masked_softmax">chidi</a>' in shown
    assert "Handed in by nobody" in text
    text = " ".join(Seen(chromium("--dump-dom", (report / CLASS_PAGES[2]).as_uri()).stdout).words)
    assert re.search(r"1 / 1 handed it in 0 passed", text)


def test_the_matrix_keeps_titles_and_names_in_sight(chromium, tmp_path):
    """However far it is scrolled, in whichever of its tables; and cells stand below their titles."""
    graded = [
        ExerciseResult(f"a/number_of_heads_{column:02}", "passed", 1.0, 1.0, 0.1, None, []) for column in range(40)
    ]
    results = [section_result(f"s{row:03}", "a", "full", 7, graded) for row in range(120)]
    page = tmp_path / "matrix.html"
    text = report_pages(results, {"a": "A"}, {})["matrix.html"]()
    text = text.replace("content-visibility: auto", "")  # a window that nobody sees has no frames, and lays out nothing
    page.write_text(re.sub(POLICY, SCROLLED, text), encoding="utf-8")
    shown = chromium("--dump-dom", page.as_uri()).stdout
    assert re.search(r"name s0[5-9]\d, title number of heads [123]\d, cell 100\.", shown), re.findall(r"name .*", shown)


def width_on_a_phone(text, chromium, directory):
    """How wide Chromium makes a page in a window as wide as a phone."""
    measured = directory / "page.html"
    measured.write_text(re.sub(POLICY, MEASURING, text), encoding="utf-8")
    frame = directory / "frame.html"
    frame.write_text(FRAME.format(page=measured.as_uri(), width=PHONE), encoding="utf-8")
    (width,) = re.findall(r"measured (\d+)\.", chromium("--dump-dom", frame.as_uri()).stdout)
    return int(width)


def test_the_page_can_be_printed(page, chromium, tmp_path):
    """Its text is text on paper too, also what is folded because it does not pass; what passes stays folded."""
    printed = tmp_path / "page.pdf"
    chromium(f"--print-to-pdf={printed}", "--no-pdf-header-footer", page.as_uri())
    text = text_of(printed.read_bytes())
    for words in ("mask after softmax", "of the training", "more checks do not pass", "keys get the softmax of their"):
        assert words.replace(" ", "") in text, words
    assert "weights of the same shape, which depend on them".replace(" ", "") not in text  # this check passes


def text_of(pdf: bytes) -> str:
    """The letters of a PDF as Chromium writes it, without blanks: glyphs by the fonts' own tables to Unicode."""
    streams = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    parts = [zlib.decompressobj().decompress(stream) for stream in streams]
    tables = [table(part.decode("latin-1")) for part in parts if b"beginbfchar" in part or b"beginbfrange" in part]
    glyphs = re.findall(r"<([0-9A-Fa-f]+)>", "".join(part.decode("latin-1") for part in parts if b" Tf\n" in part))
    codes = [run[place : place + 4].upper() for run in glyphs for place in range(0, len(run), 4)]
    return "\n".join("".join(letters.get(code, "") for code in codes).replace(" ", "") for letters in tables)


def table(cmap: str) -> dict[str, str]:
    """Which letter a glyph of a font is."""
    found = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        found |= {code.upper(): chr(int(to, 16)) for code, to in re.findall(r"<(\w{4})> <(\w{4})>", block)}
    for block in re.findall(r"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for first, last, to in re.findall(r"<(\w{4})> <(\w{4})> <(\w{4})>", block):
            numbers = range(int(first, 16), int(last, 16) + 1)
            found |= {f"{code:04X}": chr(int(to, 16) + place) for place, code in enumerate(numbers)}
    return found
