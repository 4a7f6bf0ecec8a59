"""The same properties as ordinary Hypothesis tests, in the process that holds the solution: what the others run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch

from headcheck.course import read_course
from headcheck.properties import load_properties, load_reference

ROOT = Path(__file__).parents[1]


def failures(name: str, solution: dict) -> list[str]:
    """The properties of an exercise that a namespace fails, each drawn and shrunk by Hypothesis itself."""
    torch.set_num_threads(1)
    course = read_course(ROOT)
    exercise = course.exercise(name)
    available = {"student": SimpleNamespace(**solution), "reference": load_reference(course, exercise)}
    failed = []
    for prop in load_properties(course, exercise):
        try:
            prop.test(**{key: available[key] for key in prop.ours})
        except Exception as error:  # noqa: BLE001  (whatever it is, the property failed)
            failed.append(f"{prop.name}: {error}")
    return failed
