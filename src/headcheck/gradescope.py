"""Gradescope: results as the `results.json` that its autograders write, and the grading of what it uploaded.

On Gradescope everybody hands in as they like: single files, folders, a repository. What counts for an exercise is found
by its name.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headcheck.course import notebook_of
from headcheck.grading import Exams, Grader
from headcheck.language import translated
from headcheck.sandbox import open_sandbox, require_level
from headcheck.submission import read_directory
from headcheck.terminal import plain_text, property_view
from headcheck.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headcheck.course import Course, Exercise
    from headcheck.results import ExerciseResult, PropertyResult, SectionResult, Visibility
    from headcheck.submission import Submission

WIDTH = 100
MAX_FILES = 10_000
TRIES = 2
NOT_WORK = ("__pycache__", "graders", "reference", "given")
ACCEPT = "headcheck gradescope OUT --weak-sandbox"
SHOWN: dict[Visibility, str] = {"public": "visible", "hidden": "after_published"}


def results_json(results: list[SectionResult], *, seconds: float | None = None) -> bytes:
    """All sections of one student: a test a property; hidden ones are shown once the grades are published.

    What the run took is summed over the exercises where `seconds` does not say it.
    """
    exercises = [exercise for result in results for exercise in result.exercises]
    took = sum(exercise.seconds for exercise in exercises) if seconds is None else seconds
    content = {
        "score": round(sum(result.points for result in results), 6),
        "execution_time": round(took, 3),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "output": "\n\n".join(filter(None, map(_about, exercises))),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "tests": [_test(exercise, prop) for exercise in exercises for prop in exercise.properties],
        "extra_data": {"sandbox": {result.section: result.sandbox for result in results}},
    }
    return json.dumps(content, indent=1).encode() + b"\n"


def by_student(results: list[SectionResult]) -> dict[str, list[SectionResult]]:
    """The sections of each student of a class."""
    sections: dict[str, list[SectionResult]] = defaultdict(list)
    for result in results:
        sections[result.student].append(result)
    return dict(sections)


def _about(exercise: ExerciseResult) -> str:
    """What is known of an exercise as a whole: the mistake by name, and how far it is right."""
    known = [exercise.misconception.message] if exercise.misconception else []
    known += [exercise.first_wrong_step] if exercise.first_wrong_step else []
    said = "\n".join(visible(translated(text), lines=True) for text in known)
    return f"{exercise.exercise}\n{said}" if said else ""


def _test(exercise: ExerciseResult, prop: PropertyResult) -> dict[str, Any]:
    earned = prop.outcome in ("passed", "broken")  # what headcheck itself broke costs nothing
    sentence = translated(prop.sentence or prop.name)
    return {
        "name": visible(f"{exercise.exercise} - {sentence}"),
        "score": prop.points,
        "max_score": prop.max_points,
        "status": "passed" if earned else "failed",
        "output": _output(prop),
        "visibility": SHOWN[prop.visibility],
    }


def _output(prop: PropertyResult) -> str:
    """What a student reads of it: nothing of what passed, the reason of what was not run, and all of a failure."""
    if prop.outcome == "passed":
        return ""
    if prop.outcome in ("missing", "skipped"):
        return visible(translated(prop.message), lines=True)
    return plain_text(property_view(prop), width=WIDTH).strip("\n")


# Grading there


def grade_upload(course: Course, upload: Path, name: str | None, *, weak_sandbox: bool) -> bytes:
    """Grade what one student uploaded, all exercises or those of `name`, and return the `results.json`."""
    started = time.monotonic()
    wanted = course.select(name)
    with tempfile.TemporaryDirectory(prefix="headcheck-upload-") as directory:
        gather(upload, Path(directory), course)
        submission = read_directory(Path(directory), course)
    results = _grade(course, submission, wanted, weak_sandbox=weak_sandbox)
    return results_json(results, seconds=time.monotonic() - started)


def _grade(
    course: Course, submission: Submission, wanted: list[Exercise], *, weak_sandbox: bool
) -> list[SectionResult]:
    """Grade in a sandbox of its own, and in another one when that ended `broken`."""
    exams = Exams(course, course.seed)
    results: list[SectionResult] = []
    for _ in range(TRIES):
        sandbox, probes = open_sandbox(course.limits, needs=course.libraries(course.with_used(wanted)))
        try:
            require_level(probes, weak_sandbox=weak_sandbox, accept_by=ACCEPT)
            results = Grader(course, exams, sandbox).grade_submission(submission, wanted)
        finally:
            sandbox.close()
        if all(exercise.status != "broken" for result in results for exercise in result.exercises):
            break
    return results


def gather(upload: Path, home: Path, course: Course) -> None:
    """Copy what was uploaded to `home/<section>/<slug>.py` and `home/<section>/<section>.ipynb`, by the files' names.

    Of two with one name that in a folder of its section's name counts, then the one higher up. A file that is for no
    exercise leaves its name, by which it may be recognised as one that is nearly right.
    """
    places = _places(course)
    for path in sorted(_files(upload), key=lambda path: _rank(path, upload, places)):
        place = _place(path, places)
        target = home / (place or path.name)
        if os.path.lexists(target):
            continue
        target.parent.mkdir(exist_ok=True)
        if place:
            shutil.copyfile(path, target, follow_symlinks=False)  # a link stays one, and is refused by name
        else:
            target.touch()


def _files(upload: Path) -> Iterator[Path]:
    found = (Path(folder, name) for folder, names in _folders(upload) for name in names)
    for path in islice(found, MAX_FILES):
        mode = path.lstat().st_mode
        if path.suffix in (".py", ".ipynb") and (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            yield path


def _folders(upload: Path) -> Iterator[tuple[str, list[str]]]:
    for folder, folders, names in os.walk(upload):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in NOT_WORK)
        yield folder, [name for name in names if name[0] != "." and name.isprintable()]


def _rank(path: Path, upload: Path, places: Mapping[str, list[str]]) -> tuple[bool, int, str]:
    parts = path.relative_to(upload).parts
    return _in_its_folder(path, places) is None, len(parts), path.as_posix()


def _place(path: Path, places: Mapping[str, list[str]]) -> str | None:
    """Where the file belongs, by its folder and name, or by its name where only one exercise has that."""
    named = places.get(path.name, [])
    return _in_its_folder(path, places) or (named[0] if len(named) == 1 else None)


def _in_its_folder(path: Path, places: Mapping[str, list[str]]) -> str | None:
    place = f"{path.parent.name}/{path.name}"
    return place if place in places.get(path.name, []) else None


def _places(course: Course) -> dict[str, list[str]]:
    """Where files of a submission may stand, by the file's name."""
    places: dict[str, list[str]] = defaultdict(list)
    for place in (*(exercise.file for exercise in course.exercises), *map(notebook_of, course.sections)):
        places[place.rpartition("/")[2]].append(place)
    return places
