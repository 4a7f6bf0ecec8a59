"""The disk fills up while a class is graded: that is said, nothing is lost, and a resume completes the class."""

from __future__ import annotations

import csv
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headcheck.archive import PART
from headcheck.cli import EXIT_USAGE

KILLS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("kills.py"))))
STUDENTS = 8
BLOCK = 4096

# Runs as root in a mount namespace of its own: a small file system, the command, a larger one, the command again.
INSIDE = """
import json, subprocess, sys
from pathlib import Path

size, results, *command = sys.argv[1:]

def grade():
    done = subprocess.run(command, capture_output=True, text=True)
    files = {str(path.relative_to(results)): path.read_text() for path in Path(results).rglob("*") if path.is_file()}
    return {"code": done.returncode, "err": " ".join(done.stderr.split()), "files": files}

subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", results], check=True)
full = grade()
subprocess.run(["mount", "-o", "remount,size=256m", results], check=True)
print(json.dumps([full, grade()]))
"""


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A class that has been graded where there is room."""
    made = KILLS.Class(tmp_path_factory.mktemp("class"), STUDENTS)
    undisturbed = made.start()
    said = undisturbed.communicate()[0]
    assert undisturbed.returncode == 0, said
    return made


def as_root() -> list[str]:
    """What makes a command root's; skips where that is not to be had, but not under CI."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if not sudo or subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("only root may mount a small file system")
    return [sudo, "-n"]


def graded_on(size: int, group: Any, results: Path) -> tuple[SimpleNamespace, SimpleNamespace]:
    """How the command ended on a file system of so many bytes, and how on a larger one; with the files after each."""
    results.mkdir()
    command = [str(results) if word == str(group.results) else word for word in group.command]
    inside = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", INSIDE, str(size), str(results)]
    done = subprocess.run([*as_root(), *inside, *command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    full, roomy = (SimpleNamespace(**run) for run in json.loads(done.stdout))
    return full, roomy


def written(files: dict[str, str]) -> dict[str, str]:
    """The results of students among these files."""
    return {name: text for name, text in files.items() if name.endswith("/tiny.json")}


def blocks(group: Any) -> int:
    """The bytes that the results fill, without the report."""
    paths = [path for path in group.results.rglob("*.json") if path.is_file()]
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in paths)


@pytest.mark.parametrize("place", ["in the middle of the class", "in the report"])
def test_a_full_disk_is_said_and_a_resume_completes_the_class(group: Any, tmp_path: Path, place: str) -> None:
    """Which file, and what to do; no half file; what was written is kept to the millisecond."""
    size = blocks(group) // 2 if place == "in the middle of the class" else blocks(group) + 2 * BLOCK
    full, roomy = graded_on(size, group, tmp_path / "results")

    assert full.code == EXIT_USAGE, full.err
    assert "could not be written (No space left on device)" in full.err
    assert f"headcheck: {tmp_path / 'results'}" in full.err
    assert "make room there and run the same command again" in full.err
    assert "Traceback" not in full.err
    before = written(full.files)
    assert 0 < len(before) <= STUDENTS
    assert (len(before) == STUDENTS) == (place == "in the report")
    assert [name for name in full.files if PART in name] == []
    for name, text in full.files.items():
        if name.endswith(".json"):
            json.loads(text)

    assert roomy.code == 0, roomy.err
    assert {name: text for name, text in roomy.files.items() if name in before} == before
    assert sorted(roomy.files) == group.files()
    assert roomy.files["grades.csv"] == group.grades()
    assert len(list(csv.reader(roomy.files["grades.csv"].splitlines()))) == STUDENTS + 1
    strip = KILLS.without_seconds
    wanted = {f"{student}/tiny.json": strip(data) for student, data in group.sections().items()}
    assert {name: strip(text.encode()) for name, text in written(roomy.files).items()} == wanted
