"""What is published: the wheel and the sdist are built, opened, and hold nothing hidden."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HIDDEN = ("reference", "graders", "tests", "examples", "assignments")


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """The wheel and the sdist, as `{name: content}` each."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        in_wheel = {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(next(out.glob("*.tar.gz"))) as sdist:
        files = [member for member in sdist.getmembers() if member.isfile()]
        in_sdist = {member.name.partition("/")[2]: sdist.extractfile(member).read() for member in files}
    return {"wheel": in_wheel, "sdist": in_sdist}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_no_hidden_tree_is_published(packages, kind):
    """No reference, grader, misconception, test or example has its path in a package."""
    assert [name for name in packages[kind] if name.split("/")[0] in HIDDEN] == []


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_no_hidden_text_is_published(packages, kind):
    """No hidden file's text stands in a package, whatever its name."""
    patterns = ("reference/*/*.py", "graders/*/*/hidden.py", "graders/*/*/misconceptions.py")
    hidden = [path for pattern in patterns for path in ROOT.glob(pattern)]
    texts = {path: path.read_bytes().strip() for path in hidden}
    assert texts
    assert [path for path, text in texts.items() if any(text in content for content in packages[kind].values())] == []


def test_the_wheel_holds_the_engine_and_its_pages(packages):
    """Every module and template of the package is in the wheel."""
    source = ROOT / "src"
    paths = [path for path in (source / "headcheck").rglob("*") if path.suffix in (".py", ".jinja", ".css")]
    wanted = {str(path.relative_to(source)) for path in paths}
    assert wanted <= set(packages["wheel"])
