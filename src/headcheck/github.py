"""For GitHub Classroom: the workflow that checks a student's repository at every push."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headcheck import __version__

if TYPE_CHECKING:
    from headcheck.course import Course

WORKFLOW = ".github/workflows/headcheck.yml"


def workflow(course: Course) -> str:
    """It installs this version of headcheck, checks all that was begun, and shows it on the run's page.

    The run succeeds when what was begun is right, and there is something.
    """
    return _WORKFLOW.replace("INSTALL", course.installation).replace("VERSION", __version__)


_WORKFLOW = """\
# Written by `headcheck release --github`.
name: headcheck

on:
  push:
  workflow_dispatch:

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install headcheck
        run: |
          sudo apt-get update -qq
          sudo apt-get install -qq --no-install-recommends bubblewrap libseccomp2
          python -m INSTALL "headcheck==VERSION" --quiet
      - name: Check what was begun
        run: |
          code=0
          headcheck check --all > checked.txt 2>&1 || code=$?
          cat checked.txt
          { echo '````text'; cat checked.txt; echo '````'; } >> "$GITHUB_STEP_SUMMARY"
          exit "$code"
"""
