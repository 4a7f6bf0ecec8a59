"""Read what a class handed in, in the sandbox: the text that counts, and its outline; none of it is run."""

from __future__ import annotations

from array import array
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import torch

from headcheck.course import Exercise, Limits, notebook_of
from headcheck.errors import NotHandedIn, ProtocolError, StudentDied, StudentRaised, StudentTimeout, SubmissionError
from headcheck.grading import Paper, Sitting, notebooks_of
from headcheck.outlines import MAX_TEXT, TooLong, outline
from headcheck.similarity import LeftOut, Work
from headcheck.worker import SUBMISSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headcheck.course import Course
    from headcheck.sandbox import Sandbox
    from headcheck.submission import Submission

LIMITS = Limits(call_seconds=10.0, exercise_seconds=30.0, memory_mib=512)
"""For all of a student's work together."""


def read_works(
    course: Course, wanted: Sequence[Exercise], submissions: Iterable[Submission], sandbox: Sandbox
) -> tuple[list[Work], list[LeftOut]]:
    """The texts of these exercises in all submissions, and which cannot be compared, and why."""
    works: list[Work] = []
    left_out: list[LeftOut] = []
    for submission in submissions:
        sitting = Sitting(sandbox, _paper(course, submission, wanted))
        try:
            for exercise in wanted:
                if exercise.id in submission.refused:
                    left_out.append(LeftOut(exercise.id, submission.student, submission.refused[exercise.id]))
                elif submission.may_hold(exercise):
                    try:
                        works += _work(sitting, exercise, submission.student)
                    except SubmissionError as error:
                        left_out.append(LeftOut(exercise.id, submission.student, _reason(error)))
        finally:
            sitting.close()
    return works, left_out


def known_pieces(exercise: Exercise) -> set[int]:
    """The pieces of the stub, the reference and the alternatives."""
    paths = (exercise.stub, exercise.reference, *exercise.alternatives)
    return {piece for path in paths for piece in outline(path.read_text(encoding="utf-8")).pieces}


def _paper(course: Course, submission: Submission, wanted: Sequence[Exercise]) -> Paper:
    """What a worker is given: `outlines`, which it imports, beside the student's texts, which it does not."""
    own = [exercise for exercise in wanted if submission.may_hold(exercise)]
    sources = {each.module: submission.files[each.id] for each in own if each.id in submission.files}
    reader = Exercise(course.root, "headcheck", "outlines", "", "", (), (), (), (), LIMITS, 0.0)
    sources[reader.module] = files("headcheck").joinpath("outlines.py").read_bytes()
    return Paper(reader, sources, [], notebooks_of(course, submission, own))


def _work(sitting: Sitting, exercise: Exercise, student: str) -> list[Work]:
    """The text of an exercise, if there is one."""
    answer = sitting.connect().call(SUBMISSION, "outline_of", (exercise.module,), {})
    if answer is None:
        notebook = notebook_of(exercise.section)
        for finding in sitting.findings:
            if finding.startswith(notebook):
                raise NotHandedIn(finding)
        return []
    text, (pieces, lines) = _checked(answer)
    return [Work(exercise.id, student, text, pieces, lines)]


def _checked(answer: Any) -> tuple[str, tuple[array[int], array[int]]]:
    """An outline as it came from the worker, where a student's text may have found a flaw in Python's parser."""
    match answer:
        case (str(text), torch.Tensor(dtype=torch.int64, is_meta=False, ndim=2, shape=(2, length))) if (
            max(length, len(text)) <= MAX_TEXT
        ):
            pieces, lines = answer[1].tolist()
            return text, (array("q", pieces), array("q", lines))
    raise ProtocolError("this is not an outline")


def _reason(error: SubmissionError) -> str:
    match error:
        case StudentRaised(kind=TooLong.__name__):
            return f"it is longer than {MAX_TEXT:,} characters"
        case StudentRaised(kind="RecursionError" | "MemoryError") | StudentDied():
            return "it is nested too deeply to be read"
        case StudentTimeout():
            return "it takes too long to be read"
        case StudentRaised():
            return "it is not Python"
    return str(error)
