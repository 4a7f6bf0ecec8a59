"""What a report, a terminal and a spreadsheet show of hostile submissions: text, and nothing that acts.

A class of students whose names, exceptions, printed lines and returned values try to run, load, hide or calculate is
graded by the real command. Its pages are opened in a real browser, beside a server that must not hear of it.
"""

# ruff: noqa: E501, RUF001  (hostile text is neither short nor plain)

from __future__ import annotations

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXERCISE = "multihead/head_reshape"
CANARY = "the page was changed"
CHROMIUM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=4000",
)  # fmt: skip

# {url} is a server of the test's, {act} what would betray that a script ran.

ACT = "document.title='" + CANARY + "';new Image().src='{url}/ran'"
PAYLOADS = [
    "<script>{act}</script>",
    "</pre></p></li></title></style></textarea><script>{act}</script>",
    '<img src={url}/img onerror="{act}">',
    "<svg onload=\"{act}\"><use href='{url}/use'></use></svg>",
    '" autofocus onfocus="{act}" x="',
    "' onmouseover='{act}",
    '<a href="javascript:{act}">click</a> [md](javascript:{act}) ![md]({url}/md) <{url}/auto>',
    "<style>@import '{url}/css'; * {{ display: none; background: url({url}/bg) }}</style>",
    "<link rel=stylesheet href={url}/link><base href={url}/><meta http-equiv=refresh content='0;url={url}/meta'>",
    "<iframe src={url}/frame></iframe><object data={url}/object></object><form action={url}/form><input autofocus>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--><img src={url}/mx onerror={act}>">',
    "&lt;script&gt;{act}&lt;/script&gt; &#60;script&#62; &colon; &Tab; &NewLine;",
    "{{{{ 7 * 7 }}}} {{% raw %}} ${{7*7}} [bold red]x[/] :skull: **bold** `code` | a | b |",
    '=HYPERLINK("{url}/csv";"x") +1 -1 @SUM(1)',
    "\x1b[2J\x1b[31mred\x1b]8;;{url}/osc8\x1b\\link\x1b]8;;\x1b\\\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07\x1bP1$r\x1b\\",
    "\x9b2J\x9d52;c;ZXZpbA==\x9c\x90\x85\x84 \x08\x08\x7f \x0e\x0f \r over",
    "\u202eright to left\u202c \u2066isolate\u2069 \u061c\u200f\u200e \u200b\u200c\u200d\u2060\ufeff \u3164\u2800\ufe0f",
    "nul \x00 surrogate \ud800 private \ue000 tag \U000e0041 non \ufffe lines \u2028\u2029\x85 \x0b\x0c",
    "e" + "\u0301" * 60 + " W" + "\u0489" * 60 + " \u0e01" + "\u0e47" * 60,
]
LONG = "long" * 30_000

NAMES = [
    "<script>{act}<!--",
    "<img src=x onerror={act}>",
    '"><svg onload={act}>',
    "' onmouseover='{act}",
    "javascript:{act}",
    "&lt;b&gt;&#60;i&#62;&colon;",
    "{{{{ 7 * 7 }}}} {{% raw %}}",
    "[bold red]x[blink] :skull: **md**",
    "=HYPERLINK(1)",
    "＝cmd()",
    "+1+1",
    "＋2+2",
    "-1-1",
    "@SUM(1)",
    "فاطمة شاكر",
    "e" + "\u0301" * 30,
    "am\u3164\ufe0fber",
    "W" * 100,
    "..",
]  # fmt: skip

# How a submission shows the text TEXT: what it raises, prints, returns, is called, or is written like.

PLACES = {
    "raised": "def transpose_qkv(X, num_heads): raise ValueError(TEXT)",
    "printed": "import sys\nprint(TEXT)\nprint(TEXT, file=sys.stderr)\nsys.stdout.buffer.write(TEXT.encode('utf-16', 'replace'))\n"
    "def transpose_qkv(X, num_heads): print(TEXT); return X",
    "the type's name": "def transpose_qkv(X, num_heads): raise type(TEXT.replace('\\0', '').encode('utf-8', 'replace').decode(), (Exception,), {})(TEXT)",
    "returned": "def transpose_qkv(X, num_heads): return TEXT.encode('utf-8', 'replace').decode()",
    "keys": "def transpose_qkv(X, num_heads): return {line: {line: [line, X]} for line in TEXT.encode('utf-8', 'replace').decode().split('\\n')}",
    "an object": "class Shown:\n    def __repr__(self): return TEXT\n    __str__ = __repr__\nShown.__name__ = TEXT[:50]\n"
    "def transpose_qkv(X, num_heads): return Shown()",
    "a long line": f"print('x' * 5_000_000)\ndef transpose_qkv(X, num_heads): raise ValueError({LONG[:4]!r} * 30_000)",
    "the source": "def transpose_qkv(X, num_heads): <script>{act}</script> \x1b[2J\x9b\u202e",
    "a dead worker": "import os\nos._exit(7)",
}


class Listener:
    """A server on this machine that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                client.settimeout(2)
                try:
                    self.asked.append(client.recv(1000).split(b"\r\n")[0])
                    client.sendall(b"HTTP/1.0 404 no\r\n\r\n")
                except OSError:
                    self.asked.append(b"something")

    def close(self) -> None:
        self._socket.close()


def filled(text: str, url: str) -> str:
    return text.format(url=url, act=ACT.format(url=url))


def write_class(submitted: Path, url: str) -> list[str]:
    """Every name with a place, every place under some name; the names as they are on disk."""
    text = "\n".join(filled(each, url) for each in PAYLOADS)
    names = [filled(name, url).replace("/", "\u2215")[:100] for name in NAMES if name != ".."]
    for number, name in enumerate(names):
        place = list(PLACES)[number % len(PLACES)]
        source = PLACES[place] if place != "the source" else filled(PLACES[place], url)
        path = submitted / name / f"{EXERCISE}.py"
        path.parent.mkdir(parents=True)
        path.write_text(f"TEXT = {text!a}\n{source}\n", encoding="utf-8")
    return names


def headcheck(*arguments: object, **environment: str) -> tuple[int, str, str]:
    """A command's exit code and what it said."""
    command = [sys.executable, "-m", "headcheck.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """One server for all pages."""
    server = Listener()
    yield server
    server.close()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> tuple[Path, list[str], str]:
    """The results of the hostile class, its names, and what the command wrote."""
    home = tmp_path_factory.mktemp("shown")
    names = write_class(home / "submitted", listener.url)
    code, out, err = headcheck(
        "grade", home / "submitted", "-o", home / "results", "--section", EXERCISE, COLUMNS="300"
    )
    assert code == 0, err
    return home, names, out + err


@pytest.fixture(scope="session")
def pages(hostile: tuple[Path, list[str], str]) -> list[Path]:
    """The report's pages, the overview first."""
    report = hostile[0] / "results" / "report"
    found = [report / "index.html", *sorted((report / "students").iterdir())]
    assert len(found) == 1 + len(hostile[1])
    return found


@pytest.fixture(scope="session")
def browse(tmp_path_factory: pytest.TempPathFactory):
    """Open a file in Chromium; what the document has become, and what Chromium complained of."""
    chromium = shutil.which("chromium")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    profile = tmp_path_factory.mktemp("profile")

    def open_page(page: Path) -> tuple[str, str]:
        command = [chromium, *CHROMIUM, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        return shown.stdout, "\n".join(line for line in shown.stderr.splitlines() if "CONSOLE" in line)

    return open_page


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Document(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


ELEMENTS = {
    *"""
    html head meta title style body main nav a h1 h2 h3 h4 p section article div span table thead tbody tr th td caption
    ul li strong code pre figure figcaption svg rect header details summary line small circle path text desc colgroup col b
    """.split()  # noqa: SIM905  (a table of names)
}


def check_document(page: str) -> Document:
    """Only elements and attributes of our own making; links lead to pages of the report, and nothing outward."""
    document = Document(page)
    assert document.elements <= ELEMENTS
    for tag, name, value in document.attributes:
        assert not name.startswith("on"), (tag, name, value)
        assert name not in {"style", "src", "srcset", "action", "formaction", "data", "xlink:href", "srcdoc", "ping"}
        assert "http:" not in value
        assert "javascript:" not in value
        if name == "href":
            assert (tag, bool(value)) == ("a", True)
            place = r"((\.\./)?(index|matrix|students/\d+-[a-z0-9-]+|exercises/[a-z0-9_-]+)\.html)?"
            assert re.fullmatch(rf"{place}(#[a-z0-9_-]+)?", value), value
    (policy,) = [value for tag, name, value in document.attributes if name == "content" and "default-src" in value]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]+'", rules["style-src"])
    assert set(rules) == {"default-src", "style-src", "base-uri", "form-action"}
    return document


def shows_nothing_hidden(text: str) -> bool:
    """Whether every character is one that a reader sees, newlines and tabs aside."""
    return not {c for c in text if unicodedata.category(c) in HIDDEN} - set("\n\t")


# In a page


def test_the_pages_hold_hostile_text_as_text(pages, hostile):
    """As written, every page has our elements only; every payload is there to be read, and every name."""
    documents = [check_document(page.read_text(encoding="utf-8")) for page in pages]
    text = "".join(document.text for document in documents)
    assert shows_nothing_hidden(text)
    for payload in (
        "<script>document.title=",
        "&lt;script&gt;",
        "{{ 7 * 7 }}",
        "**bold**",
        r"\x1b]52;c;",
        r"\x9b2J",
        r"\u202e",
        r"\x00",
        r"\u3164",
    ):
        assert payload in text, payload
    for name in hostile[1]:
        assert name[:20].rstrip("\u0301") in documents[0].text or "\u3164" in name


def test_nothing_runs_or_loads_in_a_real_browser(pages, listener, browse, tmp_path):
    """Every page at once, in frames, beside one that does run: the server hears of that one alone."""
    frames = "".join(f'<iframe src="{page.as_uri()}" width=900 height=900></iframe>' for page in pages)
    everything = tmp_path / "frames.html"
    everything.write_text(f"<!doctype html><title>frames</title>{frames}", encoding="utf-8")
    document, complaints = browse(everything)
    assert document.count("<iframe") == len(pages)
    assert (listener.asked, complaints) == ([], "")
    control = tmp_path / "control.html"
    control.write_text(filled("<!doctype html><title>x</title>" + PAYLOADS[0], listener.url), encoding="utf-8")
    assert CANARY in browse(control)[0]
    assert listener.asked == [b"GET /ran HTTP/1.1"]
    listener.asked.clear()


def test_a_page_is_the_same_after_the_browser_has_read_it(pages, listener, browse):
    """What Chromium made of the overview and of a student's page is made of our elements, under its own title."""
    shown = next(page for page in pages[1:] if "What the code printed" in page.read_text(encoding="utf-8"))
    for page in (pages[0], shown):
        document, complaints = browse(page)
        check_document(document)
        assert f"<title>{CANARY}" not in document
        assert Document(document).text.split() == Document(page.read_text(encoding="utf-8")).text.split()
        assert (listener.asked, complaints) == ([], "")


# In a terminal


def test_no_control_byte_reaches_the_terminal_of_an_instructor(hostile):
    """The class's table and the messages are lines of visible characters."""
    said = hostile[2]
    assert shows_nothing_hidden(said)
    assert "[bold red]x[blink] :skull: **md**" in said


@pytest.mark.parametrize("place", PLACES)
def test_no_control_byte_reaches_the_terminal_of_a_student(place, tmp_path, listener):
    """Nor when somebody checks such a file, with everything shown; in colour, only colours are added."""
    text = "\n".join(filled(each, listener.url) for each in PAYLOADS)
    source = PLACES[place] if place != "the source" else filled(PLACES[place], listener.url)
    path = tmp_path / f"{EXERCISE}.py"
    path.parent.mkdir()
    path.write_text(f"TEXT = {text!a}\n{source}\n", encoding="utf-8")
    code, out, err = headcheck("check", EXERCISE, "--dir", tmp_path, "--all", FORCE_COLOR="1", COLUMNS="200")
    assert code == 1
    assert "\x1b[" in out, "this was to be in colour"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out + err)
    assert shows_nothing_hidden(plain)
    assert "Traceback" not in plain
    assert len(plain) < 200_000


@pytest.mark.parametrize("name", ["\x1b]8;;http:", "am\u202eber", "x\x9b2J", "new\nline", "\u200b"])
def test_a_name_that_hides_something_is_refused_in_visible_words(name, tmp_path):
    """Before anything is graded, with the name written out."""
    (tmp_path / name / "multihead").mkdir(parents=True)
    code, out, err = headcheck("grade", tmp_path, "-o", tmp_path.parent / "results")
    assert (code, "cannot be a student's name" in err) == (2, True)
    assert shows_nothing_hidden(out + err)
    assert repr(name)[1:-1] in err.replace("\n", "")


# In files


def test_no_cell_of_the_table_is_a_formula(hostile):
    """Whatever a student is called; and every name is still there."""
    rows = list(csv.reader((hostile[0] / "results" / "grades.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 1 + len(hostile[1])
    for row in rows:
        for cell in row:
            start = unicodedata.normalize("NFKC", cell).lstrip()[:1]
            assert start not in tuple("=+-@\t\r\n"), cell
            assert shows_nothing_hidden(cell)
    assert {"'=HYPERLINK(1)", "'＝cmd()", "'+1+1", "'＋2+2", "'-1-1", "'@SUM(1)"} <= {row[0] for row in rows}


def test_results_hold_no_control_byte(hostile):
    """Who prints a file of results in a terminal sees escapes."""
    found = list((hostile[0] / "results").glob("[!.]*/*.json"))
    assert len(found) >= len(hostile[1])
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf"} and c != "\n" and ord(c) < 0x10000]
