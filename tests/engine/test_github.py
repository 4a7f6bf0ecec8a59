"""GitHub Classroom: a workflow that is valid, pinned, and ends as the check does."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from headcheck import __version__
from headcheck.course import read_course
from headcheck.github import WORKFLOW, workflow
from headcheck.release import MANIFEST, release_files, write_release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headcheck.course import Course


@pytest.fixture
def course(write_course: Callable[..., Course]) -> Course:
    """A course that needs an extra."""
    root = write_course().root
    file = root / "assignments" / "course.toml"
    file.write_text('install = ["headcheck[extra]"]\n' + file.read_text())
    return read_course(root)


@pytest.fixture
def steps(course: Course) -> dict[str, str]:
    """What the workflow's steps run, by their names."""
    (job,) = yaml.safe_load(workflow(course))["jobs"].values()
    return {step["name"]: step["run"] for step in job["steps"] if "run" in step}


def test_the_workflow_is_one_that_github_reads(course: Course) -> None:
    """At every push, with leave to read and no more."""
    content = yaml.load(workflow(course), yaml.BaseLoader)  # to YAML 1.1, `on` is true
    assert set(content) == {"name", "on", "permissions", "jobs"}
    assert set(content["on"]) == {"push", "workflow_dispatch"}
    assert content["permissions"] == {"contents": "read"}
    (job,) = content["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert set(step) <= {"name", "uses", "with", "run"}


def test_the_version_is_that_of_the_release(steps) -> None:
    """A student is checked by what the instructor tried."""
    assert f'pip install "headcheck[extra]" "headcheck=={__version__}"' in steps["Install headcheck"]


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_run_ends_as_the_check_does(steps, tmp_path: Path, code: int) -> None:
    """And what it said stands in the log and on the page of the run."""
    program = tmp_path / "bin" / "headcheck"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "checked with $*"\necho aside >&2\nexit {code}\n')
    program.chmod(0o755)
    summary = tmp_path / "summary"
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", steps["Check what was begun"]]
    ran = subprocess.run(shell, check=False, capture_output=True, text=True, env=environment, cwd=tmp_path)
    said = "checked with check --all\naside\n"
    assert (ran.returncode, ran.stdout) == (code, said)
    assert summary.read_text() == f"````text\n{said}````\n"


def test_a_release_has_it_when_asked_for(course, tmp_path: Path) -> None:
    """It belongs to what was handed out."""
    assert WORKFLOW not in release_files(course, "py")
    files = release_files(course, "py", github=True)
    assert files[WORKFLOW].decode() == workflow(course)
    assert f"  {WORKFLOW}\n" in files[MANIFEST].decode()
    write_release(course, tmp_path / "out", "py", github=True)
    assert (tmp_path / "out" / WORKFLOW).is_file()
    write_release(course, tmp_path / "out", "py", github=True)
