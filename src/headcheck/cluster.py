"""The same jobs on Dask: one submission each, graded wherever there is a worker, kept by the client alone.

Theory of operation. A plugin (`Graders`) takes the course to each Dask worker, once, and starts a grader process there
for each of its threads, for a Dask worker has threads and so cannot fork one. A job carries a submission and what is
known of it; the grader process and its sandbox do with it what they do on one machine. Dask runs again what a worker
that died had not finished. A submission whose grader died, or that ended `broken`, is tried once more, elsewhere if
there is an elsewhere. The machines trust each other, and are alike; what they send each other is our own data.

Schedulers and Dask workers import this module to read what they are sent, so torch is imported where it is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import shutil
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from distributed import Client, KilledWorker, WorkerPlugin, as_completed, get_worker
from distributed.client import ClosedClientError
from distributed.comm.addressing import get_address_host_port

from headcheck.errors import HeadcheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Future, Worker

    from headcheck.course import Course, Exercise
    from headcheck.crew import Duty, Loner, Opened, Refused
    from headcheck.grading import Desk
    from headcheck.results import ExerciseResult, Level, SectionResult
    from headcheck.sandbox import Probes
    from headcheck.submission import Submission

PATIENCE = 10.0  # seconds for a scheduler to answer, and for a first worker to come
PAUSE = 0.005
SPARE = 4  # submissions on their way beyond two for each thread, so that no worker waits for this process
ALIKE = ("headcheck", "torch", "numpy", "hypothesis", "msgspec", "dask", "distributed")
TREES = ("assignments", "reference", "graders")
NEEDLESS = (".po", ".pyc")
LOOK_SECONDS = 1.0


class Answer(msgspec.Struct, frozen=True):
    """What a Dask worker says to a job: the reply of a grader process, nothing when that died, or why it has none.

    `given_up` is why Dask gives none of its workers this job any more.
    """

    worker: str
    reply: bytes = b""
    refusal: str = ""
    given_up: str = ""


class Graders(WorkerPlugin):
    """On each Dask worker: the course, and as many grader processes as it has threads."""

    def __init__(self, files: bytes, duty: Duty, versions: dict[str, str]) -> None:
        self._files = files
        self._duty = duty
        self._versions = versions
        self._home = ""
        self._crew: list[Loner] = []
        self._idle: list[Loner] = []

    def setup(self, worker: Worker) -> None:
        """Unpack the course and start the grader processes, without waiting for them."""
        self._address = worker.address
        self._home = tempfile.mkdtemp(prefix="course-", dir=worker.local_directory)
        self._refusal = difference(self._versions, own_versions())
        if not self._refusal:
            unpack(self._files, Path(self._home))
            self._idle = [self._hire() for _ in range(worker.state.nthreads)]

    def opened(self) -> Opened | Refused:
        """What the first of the grader processes says of its sandbox."""
        from headcheck.crew import Refused

        return Refused(self._refusal) if self._refusal else self._crew[0].opened()

    def grade(self, job: bytes) -> Answer:
        """Have a grader process do a job; where one has died over the one before, with another."""
        from headcheck.crew import Refused

        if self._refusal:
            return Answer(self._address, refusal=self._refusal)
        grader = self._idle.pop() if self._idle else self._hire()
        try:
            if isinstance(opened := grader.opened(), Refused):
                return Answer(self._address, refusal=opened.reason)
            reply = grader.grade(job)
        except EOFError:
            grader.kill()
            self._crew.remove(grader)
            return Answer(self._address)
        self._idle.append(grader)
        return Answer(self._address, reply)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002  (Dask hands it over)
        """End the grader processes and remove the course."""
        for grader in list(self._crew):
            grader.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _hire(self) -> Loner:
        from headcheck.crew import Loner

        grader = Loner(msgspec.structs.replace(self._duty, course=self._home))
        self._crew.append(grader)
        return grader


def grade_there(name: str, job: bytes) -> bytes:
    """A task of Dask: a job for the plugin of this name."""
    return msgspec.msgpack.encode(_graders(get_worker(), name).grade(job))


async def open_there(name: str, dask_worker: Worker) -> bytes:
    """Wait, on a Dask worker, until a grader process has opened its sandbox."""
    return msgspec.json.encode(await dask_worker.loop.run_in_executor(None, _graders(dask_worker, name).opened))


def _graders(worker: Worker, name: str) -> Graders:
    return cast("Graders", worker.plugins[name])


@dataclass
class _Job:
    submission: Submission
    known: dict[str, ExerciseResult]
    tries: int = 0
    only: tuple[str, ...] = ()  # the workers that may do it; all where there are none


class Cluster:
    """The grader processes of a Dask cluster, and the submissions that are still to do: a `Crew` elsewhere.

    `desk` keeps the results, and is at the level of the cluster's sandboxes.
    """

    def __init__(self, joined: Joined, desk: Desk, submissions: list[Submission], wanted: list[Exercise]) -> None:
        self._client = joined.client
        self._name = joined.name
        self._desk = desk
        self._wanted = wanted
        self._waiting = deque(submissions)
        self._twins: dict[Any, list[Submission]] = {}  # who waits for the result of equal work that was sent
        self._sent: dict[Future[Any], _Job] = {}
        self._done = as_completed(loop=joined.client.loop, with_results=True, raise_errors=False)
        self._room, self._looked = 0, -LOOK_SECONDS

    def results(self, *, tick: float) -> Iterator[list[SectionResult] | None]:
        """The results of one submission after another, as they are ready; None every `tick` seconds without one."""
        try:
            yield from self._results(tick)
        except (OSError, ClosedClientError) as error:
            raise HeadcheckError(
                "the Dask scheduler is gone. Run the same command again: it goes on from there."
            ) from error

    def close(self) -> None:
        """Cancel what was sent and is not done."""
        with contextlib.suppress(Exception):  # the scheduler is gone, and all that it had with it
            self._client.cancel(list(self._sent))

    def _results(self, tick: float) -> Iterator[list[SectionResult] | None]:
        while self._waiting or self._sent:
            self._look()
            yield from self._known_or_sent()
            done = [(future, outcome) for future, outcome in self._wait(tick) if future in self._sent]
            for future, outcome in done:
                yield self._take(self._sent.pop(future), _answer(future.status, outcome))
                yield from self._known_or_sent()
            if not done:
                yield None

    def _known_or_sent(self) -> Iterator[list[SectionResult]]:
        """Send as much as there is room for; on the way the results of what is known."""
        while self._waiting and len(self._sent) < self._room:
            submission = self._waiting.popleft()
            if (work := _work(submission)) in self._twins:
                self._twins[work].append(submission)
                continue
            job = _Job(submission, self._desk.known(submission, self._wanted))
            if all(exercise.id in job.known for exercise in self._wanted):
                yield self._desk.by_section(submission, self._wanted, job.known)
            else:
                self._twins[work] = []
                self._send(job)

    def _send(self, job: _Job, *, not_to: str = "") -> None:
        from headcheck.crew import write_job

        job.tries += 1
        job.only = tuple(worker for worker in self._client.nthreads() if worker != not_to) if not_to else ()
        data = write_job((job.submission, job.known))
        future = self._client.submit(grade_there, self._name, data, pure=False, workers=job.only or None)
        self._sent[future] = job
        self._done.add(future)

    def _wait(self, seconds: float) -> list[tuple[Future[Any], Any]]:
        deadline = time.monotonic() + seconds
        done: list[tuple[Future[Any], Any]] = []
        while not done and time.monotonic() < deadline:
            time.sleep(PAUSE)
            done = self._done.next_batch(block=False)
        return done

    def _take(self, job: _Job, answer: Answer) -> list[SectionResult] | None:
        from headcheck.crew import GIVEN_UP, TRIES, is_broken, read_reply

        if answer.refusal:
            raise _unable(answer.worker, answer.refusal)
        sections = read_reply(answer.reply)[0] if answer.reply else []
        if (not sections or is_broken(sections)) and job.tries < TRIES:
            self._send(job, not_to=answer.worker)
            return None
        self._waiting.extendleft(self._twins.pop(_work(job.submission)))
        if not sections:
            return self._desk.give_up(job.submission, self._wanted, answer.given_up or GIVEN_UP)
        _require_level(answer.worker, sections[0].sandbox, self._desk.level)
        found = {each.exercise: each for section in sections for each in section.exercises}
        graded = {name: result for name, result in found.items() if name not in job.known}
        self._desk.keep(job.submission, job.known, graded)
        return self._desk.by_section(job.submission, self._wanted, job.known | graded)

    def _look(self) -> None:
        """See, now and then, how many submissions may be on their way, and whose workers have all gone."""
        if time.monotonic() < self._looked + LOOK_SECONDS:
            return
        workers = self._client.nthreads()
        self._room = SPARE + 2 * sum(workers.values())
        for future, job in list(self._sent.items()):
            if job.only and workers.keys().isdisjoint(job.only):
                del self._sent[future]
                self._client.cancel([future])
                self._send(job)
        self._looked = time.monotonic()


@dataclass(frozen=True)
class Joined:
    """A connection to a cluster whose workers have the course under this name, and what their sandboxes are."""

    client: Client
    name: str
    probes: Probes


@contextlib.contextmanager
def joined(address: str, course: Course, duty: Duty, results: Path) -> Iterator[Joined]:
    """The cluster of the scheduler at this address, ready to grade the course for this directory of results.

    A run that was killed could not clean up; the next one for the same directory takes its place.
    """
    place = f"{platform.node()}:{results.resolve()}"
    name = f"headcheck-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
    with _connected(address) as client:
        try:
            yield Joined(client, name, _open_all(client, name, Graders(pack(course), duty, own_versions())))
        finally:
            with contextlib.suppress(Exception):  # the scheduler is gone, or a worker never had it
                client.unregister_worker_plugin(name)


def _connected(address: str) -> Client:
    try:
        get_address_host_port(address)
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise HeadcheckError(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        client.close()
        raise HeadcheckError(f"the Dask cluster at {address} has no workers: start some, and try again") from error
    return client


def _open_all(client: Client, name: str, graders: Graders) -> Probes:
    """Send the graders to all workers, wait for their sandboxes, and say what these are."""
    from headcheck.crew import Refused

    try:
        reason = difference(own_versions(), client.run_on_scheduler(own_versions))
        client.register_plugin(graders, name=name)
    except Exception as error:
        raise HeadcheckError(
            f"a machine of the Dask cluster cannot help: {error}. All machines need the same versions of everything."
        ) from error
    if reason:
        raise HeadcheckError(f"the Dask scheduler cannot help: {reason}")
    first: Opened | None = None
    for worker, said in client.run(open_there, name, on_error="return").items():
        if isinstance(said, OSError):
            continue  # it has died since
        died = isinstance(said, Exception)
        opened = Refused(f"its grader process died as it began: {said!r}") if died else _opened(said)
        if isinstance(opened, Refused):
            raise _unable(worker, opened.reason)
        first = first or opened
        _require_level(worker, opened.probes.level, first.probes.level)
    if first is None:
        raise HeadcheckError("all workers of the Dask cluster died as they began; try again")
    return first.probes


def _work(submission: Submission) -> tuple[Any, ...]:
    """What was handed in, whoever it was."""
    return (*submission.files.items(), *submission.notebooks.items())


def _opened(said: bytes) -> Opened | Refused:
    from headcheck.crew import Opened, Refused

    return msgspec.json.decode(said, type=Opened | Refused)


def _answer(status: str | None, outcome: Any) -> Answer:
    """What came of a task."""
    if status == "finished":
        return msgspec.msgpack.decode(outcome, type=Answer)
    if status != "error":
        raise OSError("what was sent is cancelled, as it is when the scheduler is gone")
    error = outcome[1]
    if isinstance(error, KilledWorker):
        count = error.allowed_failures + 1
        return Answer("", given_up=f"{count} Dask workers died on this submission")
    raise HeadcheckError(
        f"Dask failed on a submission: {error!r}. Run the same command again: it goes on from there."
    ) from error


def _unable(worker: str, reason: str) -> HeadcheckError:
    return HeadcheckError(f"the Dask worker {worker} cannot grade: {reason}")


def _require_level(worker: str, level: Level, others: Level) -> None:
    if level != others:
        raise HeadcheckError(
            f"the Dask worker {worker} locks submissions in at level {level}, another one at {others}: "
            "a class is graded at one level, on workers that are alike"
        )


def pack(course: Course) -> bytes:
    """The files of a course that grading needs."""
    paths = [path for tree in TREES for path in sorted((course.root / tree).rglob("*")) if path.is_file()]
    return msgspec.msgpack.encode(
        {path.relative_to(course.root).as_posix(): path.read_bytes() for path in paths if path.suffix not in NEEDLESS}
    )


def unpack(packed: bytes, directory: Path) -> None:
    """Write these files below a directory."""
    for name, data in msgspec.msgpack.decode(packed, type=dict[str, bytes]).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def own_versions() -> dict[str, str]:
    """The versions here of all on which results depend, and what carries them."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in ALIKE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def difference(wanted: dict[str, str], found: dict[str, str]) -> str:
    """In what other versions are found than wanted; nothing where they are the same."""
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    others = ", ".join(f"{name} {found.get(name, 'none')} instead of {wanted[name]}" for name in differing)
    return f"it has {others}. All machines need the same versions of everything." if others else ""
