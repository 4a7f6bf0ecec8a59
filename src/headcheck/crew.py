"""Grader processes on this machine: forked once the exams are prepared, fed one submission at a time.

Each has a sandbox of its own. A grader process that dies, or whose sandbox does, is replaced and its submission tried
once more, as is one that ends `broken` in another way; what then is still broken is our fault and costs no points. Only
numbers and results as JSON pass between the processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import msgspec

from headcheck.errors import SandboxError
from headcheck.lockdown import die_with_parent, protect
from headcheck.results import SectionResult
from headcheck.warm import count_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkProcess

    from headcheck.course import Exercise
    from headcheck.grading import Grader
    from headcheck.submission import Submission

TRIES = 2
_results = msgspec.json.Decoder(list[SectionResult])


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
        try:
            results = _results.decode(member.pipe.recv_bytes())
        except (EOFError, OSError, msgspec.MsgspecError):
            member.process.kill()
            member.process.join()
            newcomer = self._hire(self._spare)
            member.process, member.pipe = newcomer.process, newcomer.pipe
            if job is not None and self._tries[job] < TRIES:
                self._waiting.appendleft(job)
            elif job is not None:
                reason = f"the grader process or its sandbox died {TRIES} times on this submission"
                results = self._head.give_up(self._submissions[job], self._wanted, reason)
        if results and job is not None and _is_broken(results) and self._tries[job] < TRIES:
            self._waiting.appendleft(job)
            results = None
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
        grader = hired()
        while True:
            try:
                job = int(pipe.recv_bytes())
            except EOFError:
                os._exit(0)
            results = grader.grade_submission(self._submissions[job], self._wanted)
            if _is_broken(results) and not grader.works():
                os._exit(1)  # another grader, with a sandbox that works, shall try this one and all later ones
            pipe.send_bytes(msgspec.json.encode(results))


def _is_broken(results: list[SectionResult]) -> bool:
    return any(exercise.status == "broken" for section in results for exercise in section.exercises)


def _same(grader: Grader) -> Grader:
    return grader
