"""A third of a class is hostile: every submission has a status, and the honest ones have theirs."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

LOAD = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "load.py")))
STUDENTS = 42


def test_everybody_is_graded_beside_hostile_submissions() -> None:
    """Each kind of them once; `benchmarks/load.py` takes the time and the memory of larger classes."""
    graded = LOAD.grade(STUDENTS, hostile=True)
    assert graded.statuses.keys() == LOAD.HONEST.keys() | LOAD.HOSTILE.keys()
    assert sum(found.total() for found in graded.statuses.values()) == STUDENTS
    assert LOAD.unexpected(graded) == []
    assert {kind: set(graded.statuses[kind]) for kind in LOAD.HONEST} == {
        "right": {"passed"}, "added": {"passed"}, "squared": {"failed"},
    }  # fmt: skip
    assert all(samples for samples in graded.memory.values())
