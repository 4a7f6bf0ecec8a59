"""What a worker can do, how it ends, and what is said where the machine lacks something."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch

from headcheck.course import Limits
from headcheck.errors import ProtocolError, SandboxError, StudentDied, StudentTimeout
from headcheck.protocol import Call, Load, Raised, array_of, decode_reply, encode, tensor_of
from headcheck.sandbox import (
    BUBBLEWRAP_MISSING,
    MAX_QUESTIONS,
    MAX_STARTS,
    MAX_THREADS,
    MAX_TOGETHER,
    TOGETHER_SECONDS,
    Layers,
    Sandbox,
    closed_directories,
    launch_strongest,
    missing_parts,
    open_sandbox,
    probe,
    settle,
)
from headcheck.student import Connection
from headcheck.system_calls import LIBSECCOMP_MISSING
from headcheck.warm import Ended, Forked, Ready
from headcheck.worker import SOON_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headcheck.course import Course
    from headcheck.sandbox import Worker

PLAIN = Layers(namespaces=False, seccomp=b"", landlock=False)


@contextmanager
def worker_of(sandbox: Sandbox, limits: Limits) -> Iterator[Worker]:
    """A worker, ended afterwards."""
    worker = sandbox.fork(limits)
    try:
        yield worker
    finally:
        if worker.alive:
            worker.end()


def answer(sandbox: Sandbox, limits: Limits, source: str) -> Any:
    """What the text leaves in its variable `answer`, in a new worker; a Raised where it raises."""
    with worker_of(sandbox, limits) as worker:
        loaded = worker.load({"work": source.encode()}, "work", ())
        return loaded if isinstance(loaded, Raised) else Connection(worker).get(0, "answer")


def descendants(pid: int) -> set[int]:
    """The living processes below this one, as the kernel knows them."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if fields[0] != "Z":
            parents[int(status.parent.name)] = int(fields[1])
    found = {pid}
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {pid}


# What a worker cannot do


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("import socket; socket.socket()", "PermissionError"),
        ("import socket; socket.socket(type=socket.SOCK_DGRAM)", "PermissionError"),
        ("import socket; socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("import os; os.fork()", "PermissionError"),
        ("import os; os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
        ("import os; os.execv('/bin/true', ['true'])", "PermissionError"),
        ("open('/tmp/mine', 'w')", "PermissionError"),
        ("import os; os.mkdir('/tmp/mine')", "PermissionError"),
        ("import os; os.unlink('/etc/ld.so.cache')", "PermissionError"),
        ("import os; os.kill(os.getppid(), 9)", "PermissionError"),
        ("import os; os.setuid(0)", "PermissionError"),
        ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (9999, 9999))", "PermissionError"),
    ],
)
def test_a_locked_worker_has_no(locked: Sandbox, limits: Limits, act: str, kind: str) -> None:
    """No network, no process, no program, no written file, no signal, no other user, no higher limit."""
    raised = answer(locked, limits, act)
    assert isinstance(raised, Raised)
    assert raised.kind in (kind, "ValueError")  # resource.setrlimit says ValueError for EPERM


def test_a_locked_worker_traces_nobody(locked: Sandbox, limits: Limits) -> None:
    """Neither the warm process nor its own memory through the kernel."""
    text = "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
    text += "answer = [libc.ptrace(16, os.getppid(), 0, 0), libc.process_vm_readv(os.getppid(), 0, 0, 0, 0, 0)]"
    assert answer(locked, limits, text) == [-1, -1]


def test_a_locked_worker_reads_no_file_of_the_host(
    locked: Sandbox, limits: Limits, course: Course, tmp_path: Path
) -> None:
    """Not a file that anybody may read, not the course, not the checkout's engine."""
    needle = tmp_path / "needle"
    needle.write_text("needle")
    needle.chmod(0o644)
    for path in (needle, course.exercises[0].reference, Path(__file__), Path("/etc/passwd")):
        raised = answer(locked, limits, f"open({str(path)!r}).read()")
        assert isinstance(raised, Raised)
        assert raised.kind in ("PermissionError", "FileNotFoundError")


def test_at_level_full_hidden_files_do_not_even_exist(full: Sandbox, limits: Limits, course: Course) -> None:
    """The sandbox has a root of its own."""
    paths = [str(course.root), str(course.exercises[0].reference), str(Path(__file__))]
    assert answer(full, limits, f"import os\nanswer = [os.path.exists(path) for path in {paths}]") == [
        False,
        False,
        False,
    ]


def test_at_level_full_the_engine_is_what_a_worker_needs_and_no_more(full: Sandbox, limits: Limits) -> None:
    """An installed or editable headcheck does not show its other modules."""
    text = "from importlib.util import find_spec\n"
    text += "answer = [bool(find_spec(f'headcheck.{name}')) for name in ('protocol', 'grading', 'course', 'cli')]"
    assert answer(full, limits, text) == [True, False, False, False]


def test_a_package_can_be_imported_late(sandbox: Sandbox, limits: Limits) -> None:
    """What nobody imported before is found at every level, unless Python lives where only root may enter."""
    text = "import sys\nearly = 'numpy.polynomial' in sys.modules\nimport numpy.polynomial\nanswer = early"
    found = answer(sandbox, limits, text)
    closed = any(Path(directory) in Path(np.__file__).resolve().parents for directory in closed_directories())
    if closed and sandbox.level != "full":
        assert isinstance(found, Raised)
    else:
        assert found is False


def test_the_standard_library_can_be_imported_late(full: Sandbox, limits: Limits) -> None:
    """Also where Python lives in a directory that only root may enter: the sandbox has a root of its own."""
    assert answer(full, limits, "import xml.dom, zoneinfo\nanswer = 1") == 1


def test_a_worker_inherits_nothing(sandbox: Sandbox, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret in its environment, no argument, no directory, and only its own descriptors."""
    text = """
import os, sys
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
answer = [sorted(os.environ), [n for n in range(1024) if is_open(n)], sys.argv, os.getcwd()]
"""
    names, descriptors, arguments, directory = answer(sandbox, limits, text)
    assert set(names) <= {
        "HOME", "LANG", "LC_CTYPE", "LOGNAME", "MALLOC_ARENA_MAX", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PWD", "PYTHONHASHSEED",
        "TORCHINDUCTOR_CACHE_DIR", "USER",
    } | {name for name in names if name.startswith(("TORCH", "KINETO", "KMP"))}  # fmt: skip
    assert (descriptors, arguments, directory) == ([0, 1, 2, 3], ["-c"], "/")


def test_a_worker_is_not_root_even_when_the_grader_is(sandbox: Sandbox, limits: Limits) -> None:
    """It is nobody, without groups."""
    text = "import os\nanswer = [os.getuid(), os.geteuid(), os.getgid(), len(os.getgroups())]"
    if os.geteuid() == 0:
        assert answer(sandbox, limits, text) == [65534, 65534, 65534, 0]
    else:
        assert 0 not in answer(sandbox, limits, text)[:3]


# How a worker ends


def test_an_endless_loop_is_a_timeout_and_the_process_is_gone(sandbox: Sandbox, impatient: Limits) -> None:
    """The seconds used are said, and nothing keeps running."""
    before = descendants(sandbox._process.pid)
    with worker_of(sandbox, impatient) as worker:
        worker.load({"work": b"def loop():\n    while True: pass"}, "work", ())
        with pytest.raises(
            StudentTimeout, match=r"no answer within 0.5 s \(0\.\d s of CPU used\): does a loop never end"
        ):
            Connection(worker).call(0, "loop", (), {})
        assert not worker.alive
    assert descendants(sandbox._process.pid) == before


def test_what_a_busy_machine_makes_a_call_wait_for_is_not_held_against_it(sandbox: Sandbox, limits: Limits) -> None:
    """Half a second of work is done within a second, however many others want the processors."""
    text = b"import time\ndef work():\n    end = time.process_time() + 0.5\n    while time.process_time() < end: pass\n"
    hurried = msgspec.structs.replace(limits, call_seconds=1.0)
    count = 5 * (os.cpu_count() or 1)
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) for _ in range(count)]
    try:
        with worker_of(sandbox, hurried) as worker:
            worker.load({"work": text}, "work", ())
            started = time.monotonic()
            Connection(worker).get(0, "work")()
            assert time.monotonic() - started > 1.0  # by the clock it was late
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def test_a_call_that_sleeps_is_late(sandbox: Sandbox, impatient: Limits) -> None:
    """It did not wait for a processor."""
    with pytest.raises(StudentTimeout):
        answer(sandbox, impatient, "import time\ntime.sleep(30)\nanswer = 1")


def test_a_worker_that_ignores_every_signal_is_killed(sandbox: Sandbox, impatient: Limits) -> None:
    """SIGKILL cannot be ignored."""
    text = """
import signal, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
time.sleep(99)
"""
    with pytest.raises(StudentTimeout):
        answer(sandbox, impatient, text)


def test_a_worker_that_wants_to_outlive_its_parent_is_killed_and_reaped(sandbox: Sandbox, impatient: Limits) -> None:
    """By the warm process itself: a signal at the parent's death can be cleared where there is no filter."""
    text = """
import ctypes, time
cleared = ctypes.CDLL(None).prctl(1, 0)
def wait(): time.sleep(99)
"""
    with worker_of(sandbox, impatient) as worker:
        worker.load({"work": text.encode()}, "work", ())
        assert (Connection(worker).get(0, "cleared") == 0) == (sandbox.level == "process")
        process = Path(f"/proc/{pid_outside(sandbox)}")
        assert process.exists()
        with pytest.raises(StudentTimeout):
            Connection(worker).call(0, "wait", (), {})
        assert not process.exists()  # nor is there a zombie


def test_an_orphan_that_holds_the_line_open_is_not_waited_for(process: Sandbox, impatient: Limits) -> None:
    """Where a worker may fork, its end need not be the line's: the deadline ends the call, the kernel says how."""
    text = b"import os, time\ndef leave():\n    if os.fork(): os._exit(0)\n    time.sleep(4)\n    os._exit(0)"
    with worker_of(process, impatient) as worker:
        worker.load({"work": text}, "work", ())
        started = time.monotonic()
        with pytest.raises(StudentTimeout):
            Connection(worker).call(0, "leave", (), {})
        assert time.monotonic() - started < 3
        assert not worker.alive


def test_the_seconds_of_an_exercise_are_shared_by_its_calls(full: Sandbox) -> None:
    """Many slow calls end like one that is too slow, and what is left is never said to be negative."""
    with worker_of(full, Limits(call_seconds=20.0, exercise_seconds=0.6, memory_mib=512)) as worker:
        worker.load({"work": b"import time\ndef nap(): time.sleep(0.2)"}, "work", ())
        Connection(worker).call(0, "nap", (), {})
        Connection(worker).call(0, "nap", (), {})
        with pytest.raises(StudentTimeout, match=r"no answer within 0\.[01]\d* s"):
            Connection(worker).call(0, "nap", (), {})


@pytest.mark.parametrize(
    ("death", "said"),
    [
        ("import os; os._exit(0)", r"ended its own process \(exit code 0\)"),
        ("import os; os._exit(7)", r"ended its own process \(exit code 7\)"),
        ("import ctypes; ctypes.string_at(0)", "ended by SIGSEGV"),
        ("import os; os.close(3); os._exit(0)", "process"),
        ("import os; os.abort()", "ended by SIG"),
    ],
)
def test_a_death_is_named(sandbox: Sandbox, limits: Limits, death: str, said: str) -> None:
    """An exit by its code, a crash by its signal."""
    with pytest.raises(StudentDied, match=said):
        answer(sandbox, limits, death)


@pytest.mark.parametrize(("number", "said"), [(9, "SIGKILL"), (40, "signal 40"), (24, "SIGXCPU: out of time")])
def test_a_worker_that_kills_itself_is_named_by_the_signal(
    process: Sandbox, limits: Limits, number: int, said: str
) -> None:
    """Also by one that has no name; locked workers cannot send signals at all."""
    with pytest.raises(StudentDied, match=said):
        answer(process, limits, f"import os; os.kill(os.getpid(), {number})")


HOG = "kept = b'x' * (480 << 20)\n"
BUSY = "import time\nwhile time.process_time() < 1.2: pass\n"


def test_what_a_worker_takes_is_not_measured_by_who_started_the_sandbox(limits: Limits) -> None:
    """However much memory the grader itself holds."""
    ballast = bytearray(os.urandom(1 << 20) * 700)
    sandbox, _ = open_sandbox(limits, at_most="strong")
    try:
        with worker_of(sandbox, limits) as worker:
            worker.load({"work": b"kept = b'x' * (300 << 20)"}, "work", ())
            assert 290 < worker.end().grown_mib < 450
    finally:
        sandbox.close()
    assert ballast


@pytest.mark.parametrize(
    ("before", "seconds", "error"),
    [("", 60.0, SandboxError), (HOG, 60.0, StudentDied), (BUSY, 60.0, SandboxError), (BUSY, 1.0, StudentDied)],
)
def test_a_locked_worker_that_is_killed_from_outside_is_our_fault(
    locked: Sandbox, before: str, seconds: float, error: type[Exception]
) -> None:
    """It cannot have done it itself, unless by its memory or its CPU time."""
    limits = Limits(call_seconds=20.0, exercise_seconds=60.0, memory_mib=512)
    with worker_of(locked, limits) as worker:
        worker.load({"work": f"{before}import time\ndef nap(): time.sleep(99)".encode()}, "work", ())
        worker._limits = msgspec.structs.replace(limits, exercise_seconds=seconds)
        os.kill(pid_outside(locked), signal.SIGKILL)
        with pytest.raises(error):
            Connection(worker).call(0, "nap", (), {})
        assert not worker.alive


def pid_outside(sandbox: Sandbox) -> int:
    """The number of a sandbox's only worker: the last of its line."""
    pid = sandbox._process.pid
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[-1])
    return pid


def test_after_a_death_the_next_worker_is_as_good_as_new(sandbox: Sandbox, limits: Limits) -> None:
    """One submission's end is nobody else's."""
    with pytest.raises(StudentDied):
        answer(sandbox, limits, "import os; os._exit(1)")
    assert answer(sandbox, limits, "answer = 7") == 7


@pytest.mark.parametrize("hog", ["x = []\nwhile True: x.append(bytearray(10**7))", "import torch\ntorch.zeros(10**10)"])
def test_memory_is_bounded(sandbox: Sandbox, hog: str) -> None:
    """A hog gets an exception from its own allocation, long before the machine notices."""
    limits = Limits(call_seconds=20.0, memory_mib=256)
    with worker_of(sandbox, limits) as idle:
        idle.load({"work": b""}, "work", ())
        base = idle.end().peak_mib
    with worker_of(sandbox, limits) as worker:
        raised = worker.load({"work": hog.encode()}, "work", ())
        assert isinstance(raised, Raised)
        assert raised.kind in ("MemoryError", "RuntimeError")
        assert worker.end().peak_mib < base + 300


def test_threads_are_bounded(sandbox: Sandbox, limits: Limits) -> None:
    """Enough for a library that computes, and far from all that a machine can number."""
    text = """
import _thread, time
_thread.stack_size(32768)
answer = 0
try:
    while True:
        _thread.start_new_thread(time.sleep, (9,))
        answer += 1
except RuntimeError:
    pass
"""
    assert 64 <= answer(sandbox, limits, text) <= MAX_THREADS


def test_threads_leave_room_for_memory(sandbox: Sandbox, limits: Limits) -> None:
    """Fifteen of them, each with its own small objects, do not reserve the address space that tensors need."""
    text = """
import threading, torch
barrier = threading.Barrier(16)
def work():
    held = [bytes(1000) for _ in range(1000)]
    barrier.wait()
for _ in range(15): threading.Thread(target=work).start()
barrier.wait()
answer = int(torch.ones(50 * 2**20).sum())
"""
    assert answer(sandbox, limits, text) == 50 * 2**20


def test_a_worker_pins_only_itself(locked: Sandbox, limits: Limits) -> None:
    """Not its parent, which would hand that down to all later workers, nor anybody else."""
    text = """
import os
def refused(pid):
    try:
        os.sched_setaffinity(pid, os.sched_getaffinity(0))
    except PermissionError:
        return True
    return False
answer = [refused(0), refused(os.getppid()), refused(1), refused(os.getpid())]
"""
    assert answer(locked, limits, text) == [False, True, True, True]


def test_an_orphan_that_holds_the_line_does_not_hold_the_grader(process: Sandbox, impatient: Limits) -> None:
    """Where a worker may fork, its end is not the end of the line, and is not waited for."""
    text = b"import os, time\ndef f():\n    time.sleep(3) if os.fork() == 0 else os._exit(0)"
    with worker_of(process, impatient) as worker:
        worker.load({"work": text}, "work", ())
        started = time.monotonic()
        with pytest.raises(StudentTimeout):
            Connection(worker).call(0, "f", (), {})
        assert time.monotonic() - started < 2.5


def test_time_and_memory_come_from_the_kernel(sandbox: Sandbox, limits: Limits) -> None:
    """The CPU seconds and the peak memory of a worker are known when it has ended."""
    text = b"import time\nx = bytearray(b'x' * 200 * 2**20)\ndel x\nwhile time.process_time() < 0.4: pass"
    with worker_of(sandbox, limits) as worker:
        worker.load({"work": text}, "work", ())
        ended = worker.end()
    assert ended.cpu_seconds > 0.3
    assert ended.peak_mib > 200


def test_a_sandbox_that_closes_takes_its_workers_along(strong: Sandbox, limits: Limits) -> None:
    """Also one that sleeps, and without a process table of its own that would end with it."""
    own = Sandbox.launch(strong.layers)
    own.wait_until_warm()
    worker = own.fork(Limits(call_seconds=0.5))
    sleeper = worker._pid
    worker._send(_frame(b"import time; time.sleep(99)"), _Patience())
    time.sleep(0.3)
    assert sleeper in descendants(own._process.pid)
    own.close()
    worker._channel.close()
    time.sleep(0.3)
    assert not Path(f"/proc/{sleeper}").exists() or "Z" in Path(f"/proc/{sleeper}/stat").read_text().split()[2]
    assert own._errors.closed


# What arrives on the line


@pytest.mark.parametrize(
    ("sent", "error", "said"),
    [
        ("os.write(3, b'\\xff' * 64)", ProtocolError, "was announced; the limit is"),
        ("os.write(3, b'\\0\\0\\0\\5hello')", ProtocolError, "not a message"),
        ("os.write(3, b'\\0\\0\\0\\0')", ProtocolError, "not a message"),
        ("os.write(3, b'\\0\\0'); time.sleep(99)", StudentTimeout, "no answer within"),
        ("\nwhile True: os.write(3, b'\\0'); time.sleep(0.1)", (StudentTimeout, ProtocolError), "no"),
        (
            "os.write(3, b'\\0\\0\\xff\\0')\nwhile True: os.write(3, b'x'); time.sleep(0.05)",
            StudentTimeout,
            "no answer",
        ),
    ],
)
def test_bytes_that_are_no_message(
    sandbox: Sandbox, impatient: Limits, sent: str, error: type[Exception], said: str
) -> None:
    """Garbage is named and ends the worker; a trickle does not stretch the deadline."""
    with worker_of(sandbox, impatient) as worker:
        started = time.monotonic()
        with pytest.raises(error, match=said):
            worker.load({"work": f"import os, time; {sent}".encode()}, "work", ())
        assert time.monotonic() - started < 5
        assert not worker.alive


def test_a_worker_that_closes_the_line_has_died(sandbox: Sandbox, impatient: Limits) -> None:
    """It cannot be heard any more, so it is ended."""
    with worker_of(sandbox, impatient) as worker:
        with pytest.raises(StudentDied):
            worker.load({"work": b"import os; os.close(3)"}, "work", ())
        assert not worker.alive


def test_the_graders_own_seconds_are_not_the_students(full: Sandbox, impatient: Limits) -> None:
    """While a callback runs in the grader, the deadline waits."""
    with worker_of(full, impatient) as worker:
        worker.load({"work": b"def use(f): return f(1)"}, "work", ())

        def slow(number: int) -> int:
            time.sleep(0.8)
            return number + 1

        assert Connection(worker).call(0, "use", (slow,), {}) == 2


def test_one_call_uses_the_graders_functions_only_so_often(full: Sandbox, limits: Limits) -> None:
    """What they take is nobody's time, so how often they are used is bounded."""
    asked: list[int] = []
    with worker_of(full, limits) as worker:
        worker.load({"work": b"def use(f):\n    while True: f(1)"}, "work", ())
        with pytest.raises(ProtocolError, match="the grader's functions more than 1,000 times"):
            Connection(worker).call(0, "use", (asked.append,), {})
        assert (len(asked), worker.alive) == (MAX_QUESTIONS + 1, False)


@pytest.mark.parametrize(
    ("act", "ending"),
    [("while True: pass", StudentTimeout), ("os._exit(0)", StudentDied), ("os.write(3, b'x' * 9)", ProtocolError)],
)
def test_a_submission_that_ends_while_the_grader_calls_it_back_ended(
    full: Sandbox, impatient: Limits, act: str, ending: type[Exception]
) -> None:
    """The grader's function may use an object of the submission's; the call around it has then ended, too."""
    text = f"import os\nclass Trap:\n    def __call__(self):\n        {act}\ndef f(g): return g(Trap())\n"
    text += """
from headcheck import worker
line = worker._Line(3)
def ask(question):
    line.write(worker.encode(question))
    session.answer(worker.decode_request(line.read()))
import gc
session = next(each for each in gc.get_objects() if type(each) is worker.Session)
session._ask = ask
"""
    with worker_of(full, impatient) as worker:
        worker.load({"work": text.encode()}, "work", ())
        with pytest.raises(ending):
            Connection(worker).call(0, "f", (lambda trap: trap(),), {})
        assert not worker.alive


# Several requests at once

SIZES = (1, 2, MAX_TOGETHER // 4, 3, 4, MAX_TOGETHER, 5, *range(100))


def test_requests_are_sent_together(full: Sandbox, limits: Limits) -> None:
    """More than the line holds, too; the replies come in order, as bytes."""
    with worker_of(full, limits) as worker:
        worker.load({"work": b"def f(X): return X.sum()"}, "work", ())
        frames = [encode(Call(0, "f", [array_of(torch.full((n,), 2.0))], {}, False, 0, {}, [])) for n in SIZES]
        replies = [decode_reply(payload) for payload in worker.together(frames)]
        assert [tensor_of(reply.value).item() for reply in replies] == [2.0 * n for n in SIZES]


def test_none_of_several_requests_may_take_long(full: Sandbox, limits: Limits) -> None:
    """Those that were answered before it are not lost."""
    with worker_of(full, limits) as worker:
        worker.load({"work": b"from time import sleep"}, "work", ())
        seconds = (0.0, 2 * SOON_SECONDS, TOGETHER_SECONDS + 1)
        replies = worker.together([encode(Call(0, "sleep", [each], {}, False, 0, {}, [])) for each in seconds])
        assert [decode_reply(next(replies)).value for _ in range(2)] == [None, None]
        with pytest.raises(StudentTimeout, match="no answer within 1 s"):
            next(replies)
        assert not worker.alive


def test_a_worker_that_says_more_than_it_is_asked_is_ended(full: Sandbox, limits: Limits) -> None:
    """What it would answer next could be read as the answer to something else."""
    text = "import os\nfrom headcheck.protocol import *\ndef f(): os.write(3, encode(Done(1, {}, {}, '')))"
    with worker_of(full, limits) as worker:
        worker.load({"work": text.encode()}, "work", ())
        with pytest.raises(ProtocolError, match="more was said than was asked"):
            list(worker.together([encode(Call(0, "f", [], {}, False, 0, {}, []))]))
        assert not worker.alive


# The same numbers


NUMBERS = """
import torch
def numbers(X):
    found = [X @ X.T, X.softmax(-1), X.exp(), X.tanh(), X.sum(), torch.nn.functional.layer_norm(X, X.shape[-1:])]
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        Y = X.to(dtype)
        found += [Y @ Y.T, Y.softmax(-1), Y.exp().sum(0), Y.sin()]
    return found
"""


def test_a_worker_computes_bit_for_bit_what_the_grader_does(sandbox: Sandbox, limits: Limits) -> None:
    """The same kernels are chosen behind the locks as in front of them."""
    here: dict[str, Any] = {}
    exec(NUMBERS, here)
    X = torch.randn(37, 53, generator=torch.Generator().manual_seed(1))
    with worker_of(sandbox, limits) as worker:
        worker.load({"work": NUMBERS.encode()}, "work", ())
        there = Connection(worker).call(0, "numbers", (X,), {})
    assert all(torch.equal(mine, yours) for mine, yours in zip(here["numbers"](X), there, strict=True))


# Levels and what is missing


def test_the_probe_finds_nothing_where_the_locks_hold(locked: Sandbox, limits: Limits) -> None:
    """Reading, connecting, forking, writing, executing and tracing are attempted, and fail."""
    assert probe(locked, limits) == []


def test_the_probe_names_what_a_plain_process_can_do(process: Sandbox, limits: Limits, tmp_path: Path) -> None:
    """Each act by its name, and nothing of it is left behind."""
    leftovers = set(Path("/tmp").glob("headcheck-*"))
    breaches = probe(process, limits)
    assert {"read another file", "connect to the network", "fork", "write a file", "execute a program"} <= set(breaches)
    assert set(Path("/tmp").glob("headcheck-*")) <= leftovers - {Path("/tmp/headcheck-goal")}


def test_levels_are_found_by_attempts(full: Sandbox, strong: Sandbox, process: Sandbox) -> None:
    """Each forced level is what the probes say, not what was asked for."""
    assert (full.level, strong.level, process.level) == ("full", "strong", "process")


def test_a_missing_bubblewrap_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its absence is said, and a start that needs it refuses."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert BUBBLEWRAP_MISSING in missing_parts()
    assert "install the package bubblewrap" in BUBBLEWRAP_MISSING
    with pytest.raises(SandboxError, match="install the package bubblewrap"):
        Sandbox.launch(Layers(namespaces=True, seccomp=b"", landlock=False))


def test_a_missing_libseccomp_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Debian it is libseccomp2."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    assert LIBSECCOMP_MISSING in missing_parts()
    assert "libseccomp2" in LIBSECCOMP_MISSING


def test_without_libseccomp_the_level_is_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stronger is even started."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    sandbox = launch_strongest()
    sandbox.close()
    assert sandbox.layers == PLAIN


def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is Linux's own is missing elsewhere, and headcheck says so."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert any("is not Linux" in line for line in missing_parts())


def test_a_bubblewrap_that_fails_gives_way_to_the_next_level(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: Limits
) -> None:
    """What it said is kept for whoever runs headcheck."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho no user namespaces here >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sandbox, probes = settle(launch_strongest(), limits)
    sandbox.close()
    assert probes.level != "full"
    assert any("no user namespaces here" in line for line in probes.missing)


@pytest.mark.parametrize(("kills", "level"), [(1, "full"), (MAX_STARTS - 1, "full"), (MAX_STARTS, "strong")])
def test_a_sandbox_that_is_killed_while_it_starts_is_started_again(
    kills: int, level: str, full: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: Limits
) -> None:
    """That is no reason for a weaker one, unless it never ends."""
    fake, killed = tmp_path / "bwrap", tmp_path / "killed"
    killed.touch()
    fake.write_text(
        f"#!/bin/sh\nif [ $(wc -l < {killed}) -lt {kills} ]; then echo >> {killed}; kill -9 $$; fi\n"
        f'exec {shutil.which("bwrap")} "$@"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sandbox, probes = settle(launch_strongest(), limits)
    sandbox.close()
    assert (sandbox.level, probes.level, killed.read_text()) == (level, level, "\n" * kills)


def test_a_sandbox_in_which_no_worker_starts_is_the_machines_fault(process: Sandbox) -> None:
    """The probe cannot be answered in no time."""
    with pytest.raises(SandboxError, match="a worker could not be started: no answer within"):
        probe(process, Limits(call_seconds=0.0))


def test_a_machine_on_which_nothing_starts_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: Limits
) -> None:
    """There is no level below `process`, and nothing is left behind."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    sandbox = launch_strongest(at_most="process")
    with pytest.raises(SandboxError, match="the warm process ended"):
        settle(sandbox, limits, at_most="process")
    assert sandbox._errors.closed


# A warm process that fails


def test_a_killed_warm_process_is_the_machines_fault(dead: Sandbox, limits: Limits) -> None:
    """Never the student's."""
    for act in (dead.wait_until_warm, lambda: dead.fork(limits), lambda: dead.end(7)):
        with pytest.raises(SandboxError, match="the warm process"):
            act()


@pytest.fixture
def impostor() -> Iterator[tuple[Sandbox, socket.socket]]:
    """A sandbox whose warm process is played by the test."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sleeper = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(99)"])
    with theirs, tempfile.TemporaryFile() as errors:
        sandbox = Sandbox(sleeper, ours, PLAIN, (), errors)
        yield sandbox, theirs
        sandbox.close()


@pytest.mark.parametrize(
    ("act", "report", "said"),
    [
        ("wait_until_warm", Ready(threads=2), r"not ready to fork: Ready\(threads=2\)"),
        ("wait_until_warm", Forked(7), "not ready to fork"),
        ("fork", Ready(threads=1), "the warm process answered Ready"),
        ("end", Forked(7), "the warm process answered Forked"),
        ("used", Forked(7), "the warm process answered Forked"),
    ],
)
def test_an_answer_to_another_question_is_the_machines_fault(
    impostor: tuple[Sandbox, socket.socket], limits: Limits, act: str, report: msgspec.Struct, said: str
) -> None:
    """The warm process must be single-threaded, and answer what it is asked."""
    sandbox, line = impostor
    line.send(msgspec.msgpack.encode(report))
    with pytest.raises(SandboxError, match=said):
        getattr(sandbox, act)(*{"fork": [limits], "end": [7], "used": [7]}.get(act, []))


def test_an_answer_that_is_no_message_is_the_machines_fault(
    impostor: tuple[Sandbox, socket.socket], limits: Limits
) -> None:
    """Also then it is nobody's points."""
    sandbox, line = impostor
    line.send(b"\xff\xff")
    with pytest.raises(SandboxError, match="does not answer"):
        sandbox.fork(limits)


def test_a_probe_without_an_answer_is_the_machines_fault(
    impostor: tuple[Sandbox, socket.socket], limits: Limits
) -> None:
    """A worker that cannot even run the probe proves nothing about the locks."""
    sandbox, line = impostor

    def play() -> None:
        _, descriptors, _, _ = socket.recv_fds(line, 2**16, 1)
        line.send(msgspec.msgpack.encode(Forked(7)))
        with socket.socket(fileno=descriptors[0]) as worker:
            worker.recv(2**16)
            worker.send(encode(Raised("MemoryError", "", "", "")))
        line.recv(2**16)
        line.send(msgspec.msgpack.encode(Ended(0, 9, 0.0, 0.0)))

    player = Thread(target=play)
    player.start()
    with pytest.raises(SandboxError, match=r"a worker could not be probed: Raised\(kind='MemoryError'"):
        probe(sandbox, limits)
    player.join()


def _frame(source: bytes) -> bytes:
    return encode(Load({"work": source}, "work", []))


class _Patience:
    def left(self) -> float:
        return 5.0


# Locks that the kernel itself refuses, in a process that is denied them for good

LOOK = "from headcheck.course import Limits; from headcheck.sandbox import open_sandbox\n"
LOOK += "sandbox, found = open_sandbox(Limits(call_seconds=20.0)); sandbox.close(); print(found.level, found.missing)"
NO_LANDLOCK = "import errno, pyseccomp\nrules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)\n"
NO_LANDLOCK += "rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), 'landlock_create_ruleset'); rules.load()\n"


def found_by(*command: str, **environment: str) -> str:
    """The level that another process finds, and what it misses."""
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.usefixtures("full", "strong")
def test_without_user_namespaces_an_ordinary_user_has_level_strong() -> None:
    """As where AppArmor, a setting or a container forbids them; what bubblewrap said is kept."""
    forbidden = ("--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000", "--dev-bind", "/", "/")
    found = found_by("bwrap", *forbidden, "--", sys.executable, "-c", LOOK)
    assert found.startswith("strong ['the warm process ended: bwrap: ")


@pytest.mark.usefixtures("full")
def test_without_landlock_namespaces_are_enough() -> None:
    """An old kernel still has level full."""
    assert found_by(sys.executable, "-c", NO_LANDLOCK + LOOK).startswith("full")


def test_with_neither_landlock_nor_bubblewrap_the_level_is_process(tmp_path: Path) -> None:
    """A filter alone keeps nobody from reading files."""
    found = found_by(sys.executable, "-c", NO_LANDLOCK + LOOK, PATH=str(tmp_path))
    assert found.startswith(f"process ['{BUBBLEWRAP_MISSING}'")
