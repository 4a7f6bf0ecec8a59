"""The engine as a wheel: pip installs it, and it is the engine that made it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import headcheck
from headcheck import engine_wheel
from headcheck.engine_wheel import pins, wheel, zipped
from headcheck.errors import HeadcheckError


def test_pip_installs_it(tmp_path):
    """Every file arrives as it is here, with its command and its licence; nothing is fetched."""
    name, data = wheel()
    (tmp_path / name).write_bytes(data)
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", target, tmp_path / name]
    subprocess.run([*command, "--disable-pip-version-check", "--no-warn-conflicts"], check=True, capture_output=True)
    package = Path(headcheck.__file__).parent
    for path in [*package.glob("*.py"), *package.glob("templates/*"), *package.glob("locale/*")]:
        assert (target / "headcheck" / path.relative_to(package)).read_bytes() == path.read_bytes()
    (about,) = target.glob("*.dist-info")
    assert "headcheck = headcheck.cli:run" in (about / "entry_points.txt").read_text()
    assert (about / "licenses" / "LICENSE").is_file()
    assert (target / "bin" / "headcheck").is_file()


def test_it_holds_the_engine_and_nothing_else():
    """No exercise, no cache; made again it is the same."""
    assert wheel() == wheel()
    with zipfile.ZipFile(io.BytesIO(wheel()[1])) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"headcheck", f"headcheck-{version('headcheck')}.dist-info"}
    assert not [name for name in names if "__pycache__" in name or name.startswith("headcheck/chapter/")]


def test_its_record_has_the_hash_of_every_file():
    """As installers may check."""
    with zipfile.ZipFile(io.BytesIO(wheel()[1])) as archive:
        (place,) = [name for name in archive.namelist() if name.endswith("/RECORD")]
        record = {name: (digest, size) for name, digest, size in csv.reader(archive.read(place).decode().splitlines())}
        assert record.pop(place) == ("", "")
        for name in set(archive.namelist()) - {place}:
            data = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert record.pop(name) == (f"sha256={digest}", str(len(data)))
    assert record == {}


def test_the_versions_of_here_are_pinned():
    """Of what the engine needs and of what that needs, without a build's name."""
    lines = pins().splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.]+", line) for line in lines)
    assert f"torch=={version('torch').partition('+')[0]}" in lines
    assert f"sympy=={version('sympy')}" in lines  # of torch
    assert f"scikit-learn=={version('scikit-learn')}" in lines  # of the extra `attention`
    assert not [line for line in lines if line.startswith(("headcheck", "pytest", "nbclient"))]


def test_what_is_not_installed_cannot_be_packed(monkeypatch):
    """It is said what to do."""
    monkeypatch.setattr(engine_wheel, "NAME", "not-there")
    with pytest.raises(HeadcheckError, match="without being installed, so it cannot be packed: pip install it"):
        wheel()


def test_programs_may_be_executed_and_files_may_not():
    """After unpacking by a program that knows about modes."""
    with zipfile.ZipFile(io.BytesIO(zipped({"run": b"", "data": b""}, ("run",)))) as archive:
        assert {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()} == {
            "run": 0o100755,
            "data": 0o100644,
        }
