"""Grader processes die, are replaced, and the class is graded all the same."""

from __future__ import annotations

import os
import signal
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from headcheck.crew import TRIES, Crew, Duty, Loner, Opened, Refused, read_reply, write_job
from headcheck.errors import SandboxError
from headcheck.grading import Exams, Grader, Tally
from headcheck.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from headcheck.course import Course, Exercise
    from headcheck.results import SectionResult
    from headcheck.sandbox import Sandbox

    Class = dict[str, SectionResult]

pytestmark = pytest.mark.usefixtures("single_threaded")

RIGHT = b"def double(X):\n    return 2 * X\n"
WRONG = b"def double(X):\n    return X * X\n"
FRAGILE = """
@worth(1, hint="h", gate=True)
def it_survives(student):
    '''The grader lives.'''
    answer = student.double(1)
    if answer == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if isinstance(answer, str) and not os.path.exists(answer):
        open(answer, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
"""

MOODY = """
@worth(1, hint="h")
def it_has_moods(student):
    '''The grader fails, on the reference too.'''
    with open({path!r}, "a") as file:
        file.write("x")
        if file.tell() <= {moods}:
            raise KeyError
"""


@pytest.fixture
def fragile(write_course: Callable[..., Course]) -> Course:
    """A grader with a bug that kills it: on the answer "die", and once on a path where there is no file yet."""
    return write_course(public=FRAGILE)


def graded(crew: Crew) -> Class:
    """The section of each student."""
    try:
        return {section.student: section for sections in crew.results(tick=0.2) for section in sections or ()}
    finally:
        crew.close()


def hire(
    course: Course, sandbox: Sandbox, *, directory: Path | None = None, first: Sandbox | None = None, **work: bytes
) -> Crew:
    """One grader process for `tiny/double`; another takes over its sandbox when it has died."""
    exams = Exams(course, course.seed)
    exams.of(course.exercises[0])
    submissions = [Submission(student, {"tiny/double": text} if text else {}) for student, text in work.items()]
    spare = Grader(course, exams, sandbox, directory=directory)
    head = Grader(course, exams, first or sandbox, directory=directory)
    return Crew([head], lambda: spare, submissions, [course.exercises[0]])


def test_everybody_is_graded(course: Course, full: Sandbox) -> None:
    """By the grader processes, each on its own."""
    found = graded(hire(course, full, amber=RIGHT, bruno=WRONG, chidi=RIGHT))
    assert {student: section.points for student, section in found.items()} == {"amber": 5.0, "bruno": 1.0, "chidi": 5.0}


def test_several_graders_share_the_class(course: Course, full: Sandbox, strong: Sandbox) -> None:
    """Nobody is graded twice, nobody is left out."""
    exams = Exams(course, course.seed)
    graders = [Grader(course, exams, sandbox) for sandbox in (full, strong)]
    names = [f"student{number}" for number in range(6)]
    submissions = [Submission(name, {"tiny/double": RIGHT}) for name in names]
    crew = Crew(graders, lambda: graders[0], submissions, [course.exercises[0]])
    found = [section for sections in crew.results(tick=0.2) for section in sections or ()]
    crew.close()
    assert sorted(section.student for section in found) == names
    assert {section.sandbox for section in found} == {"full", "strong"}


def test_a_grader_that_is_killed_is_replaced(fragile: Course, full: Sandbox, tmp_path: Path) -> None:
    """Its submission is tried once more, and nobody loses a point."""
    once = f"def double(X):\n    return {str(tmp_path / 'once')!r}\n".encode()
    found = graded(hire(fragile, full, amber=RIGHT, bruno=once, chidi=RIGHT))
    assert (tmp_path / "once").exists()
    assert {student: section.exercises[0].status for student, section in found.items()} == {
        "amber": "passed", "bruno": "failed", "chidi": "passed",
    }  # fmt: skip


def test_a_submission_that_kills_its_grader_twice_is_broken(fragile: Course, full: Sandbox) -> None:
    """That is our fault: full points, a note, and the rest of the class is graded."""
    found = graded(hire(fragile, full, amber=RIGHT, bruno=b"def double(X): return 'die'\n", chidi=RIGHT))
    (bruno,) = found["bruno"].exercises
    assert (bruno.status, bruno.points) == ("broken", bruno.max_points)
    assert bruno.notes == [f"the grader process or its sandbox died {TRIES} times on this submission"]
    assert {found[student].exercises[0].status for student in ("amber", "chidi")} == {"passed"}


def test_a_grader_that_dies_while_it_waits_is_replaced(course: Course, full: Sandbox) -> None:
    """Before its first job, say."""
    crew = hire(course, full, amber=RIGHT, bruno=RIGHT)
    (member,) = crew._members
    os.kill(member.process.pid or 0, signal.SIGKILL)
    member.process.join()
    assert {section.points for section in graded(crew).values()} == {5.0}


def test_a_sandbox_that_dies_is_not_the_end_of_the_class(course: Course, full: Sandbox, dead: Sandbox) -> None:
    """Its grader goes, and the next one brings another and tries again; nobody's result is broken."""
    found = graded(hire(course, full, first=dead, amber=RIGHT, bruno=WRONG, chidi=RIGHT))
    assert {student: section.exercises[0].status for student, section in found.items()} == {
        "amber": "passed", "bruno": "failed", "chidi": "passed",
    }  # fmt: skip


@pytest.mark.parametrize(("moods", "status"), [(2, "passed"), (4, "broken")])
def test_what_is_broken_is_tried_once_more(
    write_course: Callable[..., Course], full: Sandbox, tmp_path: Path, moods: int, status: str
) -> None:
    """What broke only once is not recorded as broken, and counts once."""
    course = write_course(public=MOODY.format(path=str(tmp_path / "moods"), moods=moods))
    crew = hire(course, full, directory=tmp_path / "results", amber=RIGHT)
    assert graded(crew)["amber"].exercises[0].status == status
    assert crew.tally == Tally(graded=1)


def test_a_grader_whose_parent_has_ended_ends(course: Course, full: Sandbox) -> None:
    """Also when that was before it could ask the kernel to be told."""
    crew = hire(course, full)
    crew._main += 1
    orphan = crew._hire(lambda: crew._head)
    orphan.process.join(timeout=30)
    assert orphan.process.exitcode == 1
    crew.close()


def test_while_nothing_is_ready_the_caller_hears_none(course: Course, full: Sandbox) -> None:
    """So that a progress bar can move."""
    crew = hire(course, full, amber=b"import time; time.sleep(1)\n" + RIGHT)
    found = list(crew.results(tick=0.1))
    crew.close()
    assert found[0] is None
    assert found[-1]


def test_equal_files_are_graded_once(course: Course, full: Sandbox, tmp_path: Path) -> None:
    """The second student's result is the first one's, to the millisecond."""
    crew = hire(course, full, directory=tmp_path, amber=WRONG, bruno=WRONG, chidi=RIGHT)
    found = graded(crew)
    assert found["amber"].exercises == found["bruno"].exercises
    assert crew.tally == Tally(graded=2, recalled=1)
    assert len(list((tmp_path / ".cache").rglob("*.json"))) == 2


def test_a_run_that_was_stopped_goes_on_where_it_stopped(
    course: Course, full: Sandbox, dead: Sandbox, tmp_path: Path
) -> None:
    """What is known is not graded again: it does not even need a sandbox.

    The third hands in nothing, so that the sandbox of the other tests is not stopped in the middle of an answer.
    """
    stopped = hire(course, full, directory=tmp_path, amber=RIGHT, bruno=WRONG, chidi=b"")
    results: Iterator[list[SectionResult] | None] = stopped.results(tick=0.2)
    known = {section.student: section for _ in range(2) for section in next(s for s in results if s)}
    stopped.close()
    dead.level = "full"
    again = graded(hire(course, dead, directory=tmp_path, amber=RIGHT, bruno=WRONG))
    assert again == {student: known[student] for student in ("amber", "bruno")}


def test_a_grader_with_threads_refuses_to_fork(course: Course, full: Sandbox) -> None:
    """A fork of a process with threads may hang; the message says what to set."""
    done = Event()
    thread = Thread(target=done.wait)
    thread.start()
    try:
        with pytest.raises(SandboxError, match="not single-threaded, so it cannot be forked; set OMP_NUM_THREADS=1"):
            hire(course, full, amber=RIGHT)
    finally:
        done.set()
        thread.join()


def test_a_process_with_threads_starts_a_grader_that_is_alone(course: Course, double: Exercise, full: Sandbox) -> None:
    """It opens a sandbox of its own, and finds what a forked one finds; what is known it does not grade again."""
    known = graded(hire(course, full, amber=RIGHT))["amber"].exercises[0]
    loner = Loner(Duty(course.seed, [double.id], weak_sandbox=False, course=str(course.root)))
    try:
        opened = loner.opened()
        assert isinstance(opened, Opened)
        assert opened.probes.level == "full"
        (section,), tally = read_reply(loner.grade(write_job((Submission("amber", {double.id: RIGHT}), {}))))
        assert (section.exercises[0].points, section.exercises[0].status) == (known.points, "passed")
        assert tally == Tally(graded=1)
        reply = read_reply(loner.grade(write_job((Submission("bruno", {double.id: WRONG}), {double.id: known}))))
        assert (reply[0][0].exercises, reply[1]) == ([known], Tally())
    finally:
        loner.kill()
    with pytest.raises(EOFError):
        loner.grade(write_job((Submission("chidi", {double.id: RIGHT}), {})))


def test_a_loner_that_cannot_grade_says_why(course: Course) -> None:
    """As where the course on its machine is another one."""
    loner = Loner(Duty(course.seed, ["tiny/half"], weak_sandbox=False, course=str(course.root)))
    assert loner.opened() == Refused("there is no exercise 'tiny/half'; there are: tiny/double, tiny/twice")
    loner.kill()


def test_a_loner_that_dies_before_it_has_begun_is_no_refusal(course: Course) -> None:
    """It may have been killed, and another try may help."""
    loner = Loner(Duty(course.seed, [], weak_sandbox=False, course=str(course.root)))
    loner.kill()
    with pytest.raises(EOFError):
        loner.opened()
