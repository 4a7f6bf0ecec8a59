"""A class is graded by a real cluster of processes as it is on one machine, whoever dies on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import psutil
import pytest
from distributed import Client, KilledWorker
from distributed.utils import LoopRunner

from headcheck import cli, cluster
from headcheck.cluster import Cluster, joined
from headcheck.crew import GIVEN_UP, Duty
from headcheck.errors import HeadcheckError
from headcheck.grading import Desk, Exams, Grader, Tally
from headcheck.results import to_json
from headcheck.submission import Submission, read_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.cluster import Joined
    from headcheck.course import Course
    from headcheck.results import SectionResult
    from headcheck.sandbox import Sandbox

RIGHT = "def double(X):\n    return 2 * X\n"
WRONG = "def double(X):\n    return X * X\n"
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X)\n"
SLOW = "import time; time.sleep(0.5)\n"
FRAGILE = """
@worth(1, hint="h")
def it_survives(student):
    '''The grader lives.'''
    if student.double(torch.zeros(1)).tolist() == [666.0]:
        open({died!r}, "a").write(f"{{os.getppid()}} ")
        os.kill(os.getpid(), signal.SIGKILL)
"""
KILLER = "def double(X):\n    return 2 * X if X.any() or len(X) > 1 else X + 666\n"


class Machines:
    """A scheduler, and workers that come and go, each a process of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self._home = home
        self._workers: list[subprocess.Popen[bytes]] = []
        self.log = home / "log"
        place = home / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", place, **environment
        )
        wait_until(lambda: place.exists() and place.read_text())
        self.address = json.loads(place.read_text())["address"]

    def work(self, *options: str, **environment: str) -> None:
        """Start workers, each with one thread, and wait until the scheduler knows them."""
        before = len(self.pids())
        directory = ("--local-directory", self._home)
        self._workers.append(
            self._start("worker", self.address, "--nthreads", "1", *directory, *options, **environment)
        )
        wait_until(lambda: len(self.pids()) > before)

    def dismiss(self) -> None:
        """End the workers that came last."""
        worker = self._workers.pop()
        worker.terminate()
        worker.wait()

    def pids(self) -> list[int]:
        """The processes of the workers."""
        with Client(self.address, set_as_default=False) as client:
            return list(client.run(os.getpid, on_error="ignore").values())

    def close(self) -> None:
        for process in (*self._workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, *words: object, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment, cwd=self._home)


def wait_until(done: Callable[[], object]) -> None:
    """Look again and again, for a minute."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A cluster of two workers."""
    machines = Machines(tmp_path_factory.mktemp("cluster"))
    try:
        machines.work("--nworkers", "2")
        wait_until(lambda: len(machines.pids()) == 2)
        yield machines
    finally:
        machines.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Machines]:
    """A scheduler that has no workers yet."""
    machines = Machines(tmp_path)
    yield machines
    machines.close()


def duty(course: Course) -> Duty:
    return Duty(course.seed, [exercise.id for exercise in course.exercises], weak_sandbox=False)


@pytest.fixture(scope="module")
def there(machines: Machines, course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    """The tiny course on that cluster."""
    with joined(machines.address, course, duty(course), tmp_path_factory.mktemp("results")) as there:
        yield there


def a_class(count: int, text: str = RIGHT) -> list[Submission]:
    """So many students whose work differs in a comment."""
    return [Submission(f"student{n}", {"tiny/double": f"{SLOW}{text}# {n}\n".encode()}) for n in range(count)]


def engage(there: Joined, course: Course, directory: Path, submissions: list[Submission]) -> tuple[Desk, Cluster]:
    """A cluster that shall grade a class, and the desk that keeps its results."""
    desk = Desk(course, course.seed, there.probes.level, directory)
    return desk, Cluster(there, desk, submissions, list(course.exercises))


def graded(cluster: Cluster) -> list[SectionResult]:
    """All that is found."""
    return [section for sections in cluster.results(tick=0.2) for section in sections or ()]


def timeless(text: str) -> str:
    return re.sub(r'"seconds": [\d.]+', "", text)


def kill_one_when(written: Path, machines: Machines) -> None:
    """Kill a worker as soon as there is this result."""
    wait_until(written.exists)
    os.kill(machines.pids()[0], signal.SIGKILL)


def test_what_dask_says_of_a_job_is_understood() -> None:
    """A submission has killed as many workers as the scheduler allows; all is cancelled, for the scheduler is gone."""
    error = KilledWorker("grade_there-1", None, 3)
    answer = cluster._answer("error", (KilledWorker, error, None))
    assert (answer.reply, answer.given_up) == (b"", "4 Dask workers died on this submission")
    with pytest.raises(OSError, match="cancelled"):
        cluster._answer("cancelled", None)


@pytest.fixture
def no_loop_is_left() -> Iterator[None]:
    """Dask leaves the thread of a client whom nobody answered; here others must be able to fork."""
    yield
    for _, runner in list(LoopRunner._all_loops.values()):
        if runner is not None:
            runner.stop()


@pytest.mark.usefixtures("no_loop_is_left")
@pytest.mark.parametrize(
    ("address", "reason"), [("nowhere", "missing port"), ("smoke://here:1", "unknown address"), ("127.0.0.1:1", "")]
)
def test_an_address_without_a_scheduler_is_said(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    """After some seconds at most."""
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with (
        pytest.raises(HeadcheckError, match=f"no Dask scheduler answers at {address}: .*{reason}"),
        joined(address, course, duty(course), tmp_path),
    ):
        pass


def refused(machines: Machines, course: Course, directory: Path, reason: str) -> None:
    """The cluster is not joined, and this is why."""
    with pytest.raises(HeadcheckError, match=reason), joined(machines.address, course, duty(course), directory):
        pass


def test_a_cluster_without_workers_that_can_grade_is_not_joined(
    alone: Machines, course: Course, tmp_path: Path
) -> None:
    """None, one that knows nothing of this, one with another library, one that dies."""
    refused(alone, course, tmp_path, "has no workers: start some, and try again")
    stranger = tmp_path / "stranger" / "headcheck"
    stranger.mkdir(parents=True)
    (stranger / "__init__.py").touch()
    alone.work(PYTHONPATH=str(stranger.parent))
    refused(alone, course, tmp_path, "No module named 'headcheck.cluster'.*All machines need the same versions")
    alone.dismiss()
    alone.work(PYTHONPATH=other_version(tmp_path))
    refused(alone, course, tmp_path, "cannot grade: it has msgspec 0.1 instead of")
    alone.dismiss()
    alone.work("--no-nanny")
    (worker,) = alone.pids()
    killer = Thread(target=kill_grader_of, args=(worker,))
    killer.start()
    refused(alone, course, tmp_path, "its grader process died as it began")
    killer.join()
    killer = Thread(target=kill_when_it_has_graders, args=(worker,))
    killer.start()
    refused(alone, course, tmp_path, "all workers of the Dask cluster died as they began")
    killer.join()


def kill_grader_of(worker: int) -> None:
    wait_until(psutil.Process(worker).children)
    psutil.Process(worker).children()[0].kill()


def kill_when_it_has_graders(worker: int) -> None:
    wait_until(psutil.Process(worker).children)
    psutil.Process(worker).kill()


def test_a_scheduler_with_other_versions_is_refused(course: Course, tmp_path: Path) -> None:
    """It reads what it passes on."""
    machines = Machines(tmp_path, PYTHONPATH=other_version(tmp_path))
    try:
        machines.work()
        refused(machines, course, tmp_path, "the Dask scheduler cannot help: it has msgspec 0.1 instead of")
    finally:
        machines.close()


def test_a_class_is_graded_as_on_one_machine_though_processes_die(
    write_course: Callable[..., Course],
    machines: Machines,
    full: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A worker, and a grader by what it graded: nothing is lost or there twice, and only the killer's result is broken.

    That is tried on two workers. The course goes to each worker once, and to the one that takes the place of the dead.
    """
    died = tmp_path / "died"
    course = write_course(hidden=FRAGILE.format(died=str(died)))
    submitted, results = tmp_path / "submitted", tmp_path / "results"
    for number in range(12):
        home = submitted / f"student{number:02}" / "tiny"
        home.mkdir(parents=True)
        (home / "double.py").write_text(KILLER if number == 0 else f"{SLOW}{(RIGHT, WRONG)[number % 2]}# {number // 4}")
        if number % 3 == 0:
            (home / "twice.py").write_text(TWICE)
    command = ["headcheck", "--course", course.root, "grade", submitted, "-o", results, "--dask", machines.address]
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    killer = Thread(target=kill_one_when, args=(results / "student00" / "tiny.json", machines))
    killer.start()
    with pytest.raises(SystemExit) as left:
        cli.run()
    killer.join()
    said = capsys.readouterr()
    assert left.value.code == cli.EXIT_BROKEN
    assert "they cost nobody a point: student00: tiny/double, student00: tiny/twice" in " ".join(said.err.split())
    assert "12 submissions" in said.out
    assert len(re.findall("Starting Worker plugin headcheck-", machines.log.read_text())) == 3

    written = {path.parent.name: path.read_text() for path in results.glob("*/tiny.json")}
    killers = json.loads(written.pop("student00"))
    assert [(each["status"], each["notes"]) for each in killers["exercises"]] == [("broken", [GIVEN_UP])] * 2
    one, other = died.read_text().split()
    assert one != other
    here = Grader(course, Exams(course, course.seed), full, directory=tmp_path / "here")
    for submission in read_class(submitted, course):
        if submission.student in written:
            (section,) = here.grade_submission(submission, list(course.exercises))
            assert timeless(to_json(section).decode()) == timeless(written.pop(submission.student))
    assert not written
    assert names(results / ".cache") == names(tmp_path / "here" / ".cache")


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.rglob("*.json")}


def test_a_run_that_was_stopped_goes_on_where_it_stopped(there: Joined, course: Course, tmp_path: Path) -> None:
    """What was done is known, also to who has handed in the same; the rest is graded once."""
    submissions = a_class(6)
    _, stopped = engage(there, course, tmp_path, submissions)
    first = next(sections for sections in stopped.results(tick=0.2) if sections)
    stopped.close()
    twins = [Submission(f"{each.student}'s twin", each.files) for each in submissions]
    desk, again = engage(there, course, tmp_path, submissions + twins)
    found = graded(again)
    assert sorted(section.student for section in found) == sorted(each.student for each in submissions + twins)
    assert [section for section in found if section.student == first[0].student] == first
    assert desk.tally == Tally(graded=5, recalled=7)
    assert {section.exercises[0].status for section in found} == {"passed"}


def test_what_is_tried_once_more_is_tried_elsewhere(there: Joined, course: Course, tmp_path: Path) -> None:
    """Not on the worker on which it broke, though that has nothing else to do."""
    broke, other = there.client.nthreads()
    _, tried = engage(there, course, tmp_path, [])
    for submission in a_class(4):
        tried._send(cluster._Job(submission, {}), not_to=broke)
    workers: list[str] = []
    while len(workers) < 4:
        workers += [cluster._answer(future.status, outcome).worker for future, outcome in tried._wait(60.0)]
    assert workers == [other] * 4


def test_what_only_a_worker_may_do_that_is_gone_is_done_by_another(
    there: Joined, course: Course, tmp_path: Path
) -> None:
    """It would wait for that one for ever."""
    _, waiting = engage(there, course, tmp_path, [])
    (submission,) = a_class(1)
    gone = "tcp://127.0.0.1:9"
    lost = there.client.submit(cluster.grade_there, there.name, b"", pure=False, workers=[gone])
    waiting._sent[lost] = cluster._Job(submission, {}, tries=1, only=(gone,))
    waiting._twins[cluster._work(submission)] = []
    (section,) = graded(waiting)
    assert (section.student, section.exercises[0].status) == (submission.student, "passed")


def test_a_worker_that_comes_later_must_be_like_the_others(
    there: Joined, machines: Machines, course: Course, tmp_path: Path
) -> None:
    """One without bubblewrap would grade at another level; one with another library would get other results."""
    machines.work(PATH=str(tmp_path))
    _, unlike = engage(there, course, tmp_path, a_class(12))
    with pytest.raises(HeadcheckError, match="locks submissions in at level strong, another one at full"):
        graded(unlike)
    unlike.close()
    machines.dismiss()
    machines.work(PYTHONPATH=other_version(tmp_path))
    _, unlike = engage(there, course, tmp_path, a_class(12, WRONG))
    with pytest.raises(HeadcheckError, match="cannot grade: it has msgspec"):
        graded(unlike)
    unlike.close()
    machines.dismiss()


def other_version(directory: Path) -> str:
    """A directory in which another version of a library seems to be installed."""
    facts = directory / "path" / "msgspec-0.1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: msgspec\nVersion: 0.1\n")
    return str(facts.parent)


def test_what_dask_cannot_do_ends_the_run_and_says_how_to_go_on(
    there: Joined, machines: Machines, course: Course, tmp_path: Path
) -> None:
    """Somebody removes the graders; somebody kills the scheduler."""
    _, bereft = engage(there, course, tmp_path, a_class(12))
    results = bereft.results(tick=0.2)
    next(results)
    with Client(machines.address, set_as_default=False) as other:
        other.unregister_worker_plugin(there.name)
    with pytest.raises(HeadcheckError, match=r"Dask failed on a submission: KeyError.* it goes on from there"):
        list(results)
    bereft.close()
    _, bereft = engage(there, course, tmp_path, a_class(12, WRONG))
    machines.scheduler.kill()
    with pytest.raises(HeadcheckError, match=r"the Dask scheduler is gone\. Run the same command again"):
        graded(bereft)
    bereft.close()
