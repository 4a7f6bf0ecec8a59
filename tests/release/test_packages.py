"""What is published: the wheel and the sdist are built, opened, and hold nothing hidden; the wheel alone is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.release import release_files, write_release

ROOT = Path(__file__).parents[2]
HIDDEN = ("reference", "graders", "tests", "examples", "assignments")


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """The directory with the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    return out


@pytest.fixture(scope="session")
def packages(dist):
    """The wheel and the sdist, as `{name: content}` each."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        in_wheel = {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
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
    patterns = ("reference/*/*.py", "graders/*/*/hidden.py", "graders/*/*/misconceptions.py", "graders/*/*/curves.json")
    patterns += ("graders/*/*/hidden.*.po", "tests/alternatives/*/*/*.py")
    hidden = [path for pattern in patterns for path in ROOT.glob(pattern)]
    texts = {path: path.read_bytes().strip() for path in hidden}
    assert texts
    assert [path for path, text in texts.items() if any(text in content for content in packages[kind].values())] == []


CHAPTER = {"wheel": "headcheck/chapter/", "sdist": "src/headcheck/chapter/"}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_the_chapter_in_a_package_is_what_is_released(packages, kind):
    """File by file: the assignments, the public graders, the translations of both, and nothing else."""
    released = release_files(read_course(ROOT), "py")
    wanted = {name: data for name, data in released.items() if name.startswith(("assignments/", "graders/"))}
    where = CHAPTER[kind]
    shipped = {name.removeprefix(where): data for name, data in packages[kind].items() if name.startswith(where)}
    assert sorted(shipped) == sorted(wanted)
    assert [name for name in wanted if shipped[name] != wanted[name]] == []


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_no_hidden_file_is_in_the_chapter(packages, kind):
    """By the names that say so."""
    names = [name for name in packages[kind] if name.startswith(CHAPTER[kind])]
    hidden = ("/reference/", "/hidden.", "/misconceptions.", "/curves.json", "/tests/", "/alternatives/")
    assert names
    assert [name for name in names if any(part in f"/{name}" for part in hidden)] == []


def test_the_wheel_holds_the_engine_and_its_pages(packages):
    """Every module, template and translation of the package is in the wheel."""
    source = ROOT / "src"
    paths = [path for path in (source / "headcheck").rglob("*") if path.suffix in (".py", ".jinja", ".css", ".po")]
    wanted = {str(path.relative_to(source)) for path in paths}
    assert wanted <= set(packages["wheel"])


# What a student does: install, open the release, check


@pytest.fixture(scope="session")
def command(dist, tmp_path_factory):
    """The command `headcheck` of an environment that holds the wheel and what it depends on, and nothing else."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=True)
    install = ["-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", next(dist.glob("*.whl"))]
    subprocess.run([place / "bin" / "python", *install], check=True, capture_output=True)
    return place / "bin" / "headcheck"


@pytest.fixture
def check(command, tmp_path):
    """Run `headcheck check` in a new release, after some work in it."""
    write_release(read_course(ROOT), tmp_path / "release", "both")

    def run(work=lambda _section: None):
        work(tmp_path / "release" / "assignments" / "scoring")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [command, "check", "scoring/masked_softmax"],
            cwd=tmp_path / "release",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_wheel_alone_begins_a_chapter(command, tmp_path):
    """Two commands from the installation to what to do first."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    options = {"env": environment | {"LC_ALL": "C.UTF-8"}, "capture_output": True, "text": True}
    started = subprocess.run([command, "start", "attention"], check=False, cwd=tmp_path, **options)
    assert started.returncode == 0, started
    checked = subprocess.run([command, "check"], check=False, cwd=tmp_path / "attention", **options)
    assert checked.returncode == 1, checked
    assert "Nothing is begun yet. Start with cues/attention_heatmaps" in checked.stdout


def test_the_wheel_alone_checks_an_untouched_release(check):
    """It earns nothing, and gets a hint."""
    checked = check()
    assert checked.returncode == 1, checked
    assert "0 of 19 points" in checked.stdout
    assert "Hint: " in checked.stdout


@pytest.mark.parametrize("form", ["file", "notebook"])
def test_the_wheel_alone_checks_work_in_a_release(check, form):
    """What is right passes every public check, written into the file or into the notebook."""
    solution = (ROOT / "reference" / "scoring" / "masked_softmax.py").read_text()

    def work(section):
        if form == "file":
            (section / "masked_softmax.py").write_text(solution)
            return
        path = section / "scoring.ipynb"
        content = json.loads(path.read_text())
        (cell,) = [cell for cell in content["cells"] if cell["id"] == "scoring-masked_softmax-code"]
        cell["source"] = solution
        path.write_text(json.dumps(content))

    checked = check(work)
    assert checked.returncode == 0, checked
    assert "19 of 19 points" in checked.stdout
