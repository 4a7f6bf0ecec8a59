"""Grader processes on this machine: forked once the exams are prepared, fed one submission at a time.

Each has a sandbox of its own. A grader process that dies, or whose sandbox does, is replaced and its submission tried
once more, as is one that ends `broken` in another way; what then is still broken is our fault and costs no points. Only
numbers and results as JSON pass between the processes.

Where the process that wants one has threads, it cannot fork: a `Loner` is started afresh, told its `Duty`, and given
each submission whole.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from headcheck.course import read_course
from headcheck.errors import HeadcheckError, SandboxError
from headcheck.grading import Exams, Grader, Tally
from headcheck.lockdown import die_with_parent, protect
from headcheck.results import ExerciseResult, SectionResult
from headcheck.sandbox import Probes, launch_strongest, require_level, settle
from headcheck.submission import Submission
from headcheck.warm import count_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkProcess
    from typing import NoReturn

    from headcheck.course import Exercise

TRIES = 2
GIVEN_UP = f"the grader process or its sandbox died {TRIES} times on this submission"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
Job = tuple[Submission, dict[str, ExerciseResult]]
"""A submission, and what is known of it."""
Reply = tuple[list[SectionResult], Tally]
_jobs = msgspec.msgpack.Decoder(Job)
_replies = msgspec.json.Decoder(Reply)


@dataclass
class _Member:
    process: ForkProcess
    pipe: Pipe
    job: int | None = None


class Crew:
    """Some grader processes and the submissions that are still to do."""

    def __init__(
        self,
        graders: list[Grader],
        spare: Callable[[], Grader],
        submissions: list[Submission],
        wanted: list[Exercise],
    ) -> None:
        self._spare = spare
        self._submissions = submissions
        self._wanted = wanted
        self._waiting = deque(range(len(submissions)))
        self._tries = dict.fromkeys(self._waiting, 0)
        self._head = graders[0]
        self._main = os.getpid()
        self._context = multiprocessing.get_context("fork")
        self._members = [self._hire(partial(_same, grader)) for grader in graders]
        self.tally = Tally()

    def results(self, *, tick: float) -> Iterator[list[SectionResult] | None]:
        """The results of one submission after another, as they are ready; None every `tick` seconds without one."""
        for member in self._members:
            self._give(member)
        while busy := {member.pipe: member for member in self._members if member.job is not None}:
            ready = wait(list(busy), timeout=tick)
            for pipe in ready:
                if isinstance(pipe, Pipe):
                    yield self._take(busy[pipe])
            if not ready:
                yield None

    def close(self) -> None:
        """End the grader processes."""
        for member in self._members:
            member.pipe.close()
            member.process.kill()
            member.process.join()

    def _take(self, member: _Member) -> list[SectionResult] | None:
        job, member.job = member.job, None
        results: list[SectionResult] | None = None
        tally = Tally()
        try:
            results, tally = read_reply(member.pipe.recv_bytes())
        except (EOFError, OSError, msgspec.MsgspecError):
            member.process.kill()
            member.process.join()
            newcomer = self._hire(self._spare)
            member.process, member.pipe = newcomer.process, newcomer.pipe
            if job is not None and self._tries[job] < TRIES:
                self._waiting.appendleft(job)
            elif job is not None:
                results = self._head.give_up(self._submissions[job], self._wanted, GIVEN_UP)
        if results and job is not None and is_broken(results) and self._tries[job] < TRIES:
            self._waiting.appendleft(job)
            results = None
        if results:
            self.tally.add(tally)
        self._give(member)
        return results

    def _give(self, member: _Member) -> None:
        if self._waiting:
            member.job = self._waiting.popleft()
            self._tries[member.job] += 1
            with contextlib.suppress(OSError):  # it has died: the end of its pipe says so to `_take`
                member.pipe.send_bytes(str(member.job).encode())

    def _hire(self, grader: Callable[[], Grader]) -> _Member:
        if count_threads() != 1:
            raise SandboxError("the grader is not single-threaded, so it cannot be forked; set OMP_NUM_THREADS=1")
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=self._work, args=(grader, theirs, ours), daemon=True)
        process.start()
        theirs.close()
        return _Member(process, ours)

    def _work(self, hired: Callable[[], Grader], pipe: Pipe, ours: Pipe) -> None:
        """The life of a grader process."""
        ours.close()
        protect()
        die_with_parent()
        if os.getppid() != self._main:
            os._exit(1)  # it had ended before it could be said that this process shall end with it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _serve(pipe, hired(), self._wanted, lambda job: (self._submissions[int(job)], {}))


class Duty(msgspec.Struct, frozen=True):
    """What a grader process that is started afresh has to know: the seed, the exercises by id, where the course is."""

    seed: int
    exercises: list[str]
    weak_sandbox: bool
    course: str = ""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Why a grader process does not take up its duty."""

    reason: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The sandbox that it has opened."""

    probes: Probes


class Loner:
    """A grader process that was not forked, and what starts it may have threads."""

    def __init__(self, duty: Duty) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        start = f"import os; os.environ |= {_ONE_THREAD}; from headcheck.crew import main; main({theirs.fileno()})"
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (a command of our own making)
                [sys.executable, "-P", "-c", start], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        self._pipe.send_bytes(msgspec.json.encode(duty))
        self._opened: Opened | Refused | None = None

    def opened(self) -> Opened | Refused:
        """Whether it has a sandbox, waiting for it; raises EOFError when the process died over it."""
        if self._opened is None:
            self._opened = msgspec.json.decode(self._receive(), type=Opened | Refused)
        return self._opened

    def grade(self, job: bytes) -> bytes:
        """The reply to a job; raises EOFError when the process died over it."""
        with contextlib.suppress(OSError):  # it has died: the end of the pipe says so
            self._pipe.send_bytes(job)
        return self._receive()

    def kill(self) -> None:
        """End the process; whoever waits for it, in another thread, hears the end of the pipe."""
        self._process.kill()
        self._process.wait()

    def _receive(self) -> bytes:
        try:
            return self._pipe.recv_bytes()
        except OSError as error:
            raise EOFError(f"the grader process is gone: {error}") from error


def main(descriptor: int) -> NoReturn:
    """The life of a grader process that was started afresh."""
    protect()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = Pipe(descriptor)
    try:
        duty = msgspec.json.decode(pipe.recv_bytes(), type=Duty)
        grader, exercises, probes = _take_up(duty)
    except HeadcheckError as error:
        pipe.send_bytes(msgspec.json.encode(Refused(str(error))))
        os._exit(1)
    pipe.send_bytes(msgspec.json.encode(Opened(probes)))
    _serve(pipe, grader, exercises, _jobs.decode)


def write_job(job: Job) -> bytes:
    """A job for a `Loner`."""
    return msgspec.msgpack.encode(job)


def read_reply(data: bytes) -> Reply:
    """The reply of a grader process."""
    reply: Reply = _replies.decode(data)
    return reply


def is_broken(results: list[SectionResult]) -> bool:
    """Whether headcheck itself failed somewhere in these."""
    return any(exercise.status == "broken" for section in results for exercise in section.exercises)


def _take_up(duty: Duty) -> tuple[Grader, list[Exercise], Probes]:
    course = read_course(Path(duty.course))
    exercises = [course.exercise(name) for name in duty.exercises]
    sandbox = launch_strongest(needs=course.libraries(exercises))
    exams = Exams(course, duty.seed)
    for exercise in exercises:
        exams.of(exercise)  # while the sandbox warms up
    sandbox, probes = settle(sandbox, course.limits)
    require_level(probes, weak_sandbox=duty.weak_sandbox)
    return Grader(course, exams, sandbox), exercises, probes


def _serve(pipe: Pipe, grader: Grader, wanted: list[Exercise], read: Callable[[bytes], Job]) -> NoReturn:
    while True:
        try:
            submission, known = read(pipe.recv_bytes())
        except EOFError:
            os._exit(0)
        grader.tally = Tally()
        results = grader.grade_submission(submission, wanted, known)
        if is_broken(results) and not grader.works():
            os._exit(1)  # another grader, with a sandbox that works, shall try this one and all later ones
        pipe.send_bytes(msgspec.json.encode((results, grader.tally)))


def _same(grader: Grader) -> Grader:
    return grader
