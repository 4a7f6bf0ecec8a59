"""Who must act when something goes wrong: the author, the student, or whoever runs the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headcheck.protocol import Place


class HeadcheckError(Exception):
    """What happened, where, and what to do next."""


class CourseError(HeadcheckError):
    """The course is wrong: its author must act."""


class SandboxError(HeadcheckError):
    """The machine or our own processes failed: whoever runs headcheck must act. Never costs a student points."""


class ResultsError(HeadcheckError):
    """A result cannot be kept: whoever runs headcheck must make room, or choose another directory."""


class SubmissionError(HeadcheckError):
    """The student's work is wrong, or did something it may not: the student must act."""


class StudentRaised(SubmissionError):
    """The student's code raised an exception; `kind` is its type's name, `trace` the student's own lines of it.

    `bases` are the names of the types that it is a kind of, `place` and `clue` are as in `protocol.Raised`. With
    `judged` it is not the code that raised but headcheck, over what came from it, and the message is for the student.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        trace: str = "",
        bases: tuple[str, ...] = (),
        place: Place | None = None,
        clue: tuple[str, ...] = (),
        *,
        judged: bool = False,
    ) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message
        self.place = place
        self.clue = clue
        self.judged = judged
        self.trace = trace
        self.bases = bases


class NotHandedIn(SubmissionError):
    """What was handed in does not hold the exercise: no file, no notebook, or none that can be read."""


class StudentTimeout(SubmissionError):
    """A call into the student's code did not answer in time and was killed."""


class StudentDied(SubmissionError):
    """The student's process ended during a call."""


class ProtocolError(SubmissionError):
    """The student's process sent something that is not a message."""
