"""An autograder for Gradescope: an archive with the course, this very engine, and the two programs that it starts.

The archive holds the references and the hidden graders. It is for Gradescope and for nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headcheck.archive import tree_beside, write_atomically
from headcheck.engine_wheel import pins, wheel, zipped
from headcheck.errors import CourseError, HeadcheckError

if TYPE_CHECKING:
    from pathlib import Path

    from headcheck.course import Course

TREES = ("assignments", "graders", "reference")
SETUP = "setup.sh"
RUN = "run_autograder"
PROGRAMS = (SETUP, RUN)
PINS = "constraints.txt"


def write_autograder(course: Course, out: Path, name: str | None, *, weak_sandbox: bool) -> list[str]:
    """Write the autograder to `out`, a new directory or a `.zip`, and return the names of its files."""
    files = autograder_files(course, name, weak_sandbox=weak_sandbox)
    if out.suffix == ".zip":
        write_atomically(out, zipped(files, PROGRAMS))
        return list(files)
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise HeadcheckError(f"{out} is in the way: choose a new directory, or a name that ends in .zip")
    with tree_beside(out, files) as new:
        for place in files:
            (new / place).chmod(0o755 if place in PROGRAMS else 0o644)
        new.rename(out)
    return list(files)


def autograder_files(course: Course, name: str | None, *, weak_sandbox: bool) -> dict[str, bytes]:
    """Everything in the archive, by its path there; `name` is the section or exercise to grade, or all of them."""
    if not course.has_hidden_files:
        raise CourseError(f"{course.root} is a student's copy: an autograder needs the references and hidden graders")
    course.select(name)
    engine, data = wheel()
    extra = "[attention]" if any(exercise.needs for exercise in course.exercises) else ""
    return {
        SETUP: _SETUP.format(engine=engine, extra=extra, pins=PINS).encode(),
        RUN: _RUN.format(name=name, weak_sandbox=weak_sandbox).encode(),
        PINS: pins().encode(),
        engine: data,
        **_course_files(course),
    }


def _course_files(course: Course) -> dict[str, bytes]:
    paths = [path for tree in TREES for path in sorted((course.root / tree).rglob("*"))]
    return {
        f"course/{path.relative_to(course.root).as_posix()}": path.read_bytes()
        for path in paths
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts
    }


_SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image. Written by `headcheck gradescope`.
set -euo pipefail
source="${{AUTOGRADER_ROOT:-/autograder}}/source"
home=/opt/headcheck

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends bubblewrap libseccomp2 python3-venv
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    apt-get install -y --no-install-recommends python3.11-venv
    python=python3.11
fi
"$python" -m venv "$home"

# PyTorch's own index offers builds without CUDA, which are much smaller: name it here with --extra-index-url.
"$home/bin/python" -m pip install --no-cache-dir --constraint "$source/{pins}" "$source/{engine}{extra}"

"$home/bin/headcheck" --course "$source/course" doctor || true  # in the log: which locks hold here
"""

_RUN = '''\
#!/opt/headcheck/bin/python -I
"""Gradescope runs this for every submission. Written by `headcheck gradescope`."""

import os
import sys
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from headcheck.course import read_course
from headcheck.errors import HeadcheckError
from headcheck.gradescope import grade_upload

ROOT = Path(os.environ.get("AUTOGRADER_ROOT", "/autograder"))
NAME = {name!r}  # the section or exercise to grade; None is all
WEAK_SANDBOX = {weak_sandbox}  # whether to grade where submissions cannot be locked in

try:
    course = read_course(ROOT / "source" / "course")
    results = grade_upload(course, ROOT / "submission", NAME, weak_sandbox=WEAK_SANDBOX)
except HeadcheckError as error:
    sys.exit(f"headcheck: {{error}}")
(ROOT / "results").mkdir(exist_ok=True)
(ROOT / "results" / "results.json").write_bytes(results)
'''
