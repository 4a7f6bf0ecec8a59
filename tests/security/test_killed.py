"""SIGKILL at random moments, to any of our processes: every submission is graded, and as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KILLS = 12
STUDENTS = 16


def test_a_class_is_graded_through_kills() -> None:
    """A few here; `tests/security/kills.py` tells about them, and does hundreds when it is asked to."""
    command = [sys.executable, Path(__file__).with_name("kills.py"), "--kills", str(KILLS), "--students", str(STUDENTS)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{KILLS} kills" in done.stdout.splitlines()[-1]
    assert done.stdout.splitlines()[-1].endswith("nothing lost")
