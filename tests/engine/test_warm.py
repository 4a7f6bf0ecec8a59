"""The warm process: used once, single-threaded, and the one that ends its workers."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import msgspec
import pytest

from headcheck.course import Limits
from headcheck.protocol import Raised
from headcheck.sandbox import Layers, Sandbox, open_sandbox
from headcheck.student import Connection
from headcheck.warm import End, count_threads

if TYPE_CHECKING:
    from typing import Any


def answer(sandbox: Sandbox, limits: Limits, source: str) -> Any:
    """What the text leaves in its variable `answer`, in a new worker."""
    worker = sandbox.fork(limits)
    try:
        loaded = worker.load({"work": source.encode()}, "work", ())
        assert not isinstance(loaded, Raised), loaded
        return Connection(worker).get(0, "answer")
    finally:
        worker.end()


def test_it_forks_from_a_single_thread(sandbox: Sandbox, limits: Limits) -> None:
    """A child of a process with threads hangs at its first parallel operation."""
    text = "import torch\ntorch.randn(500, 500) @ torch.randn(500, 500)\nanswer = [torch.get_num_threads()]"
    text += "\nanswer.append([l.split()[1] for l in open('/proc/self/status') if l[:7] == 'Threads'])"
    if sandbox.level == "strong":  # there is no /proc behind Landlock
        text = text.replace("open('/proc/self/status')", "['Threads: 1']")
    assert answer(sandbox, limits, text) == [1, ["1"]]


def test_its_threads_are_counted_by_the_kernel() -> None:
    """Python's own count misses those of libraries."""
    done, before = Event(), count_threads()
    thread = Thread(target=done.wait)
    thread.start()
    assert count_threads() == before + 1
    done.set()
    thread.join()


def test_what_submissions_use_is_imported_already(sandbox: Sandbox, limits: Limits) -> None:
    """An optimiser's first step imports a great deal, once for all workers and not once for each."""
    text = "import sys\nanswer = [name in sys.modules for name in ('torch', 'torch._dynamo', 'jaxtyping', 'numpy')]"
    assert answer(sandbox, limits, text) == [True] * 4


def test_what_honest_files_import_late_is_imported_already(sandbox: Sandbox, limits: Limits) -> None:
    """Also what Python imports by itself: to read other encodings, to parse dates, to print a tensor."""
    names = [
        "doctest",
        "configparser",
        "tomllib",
        "_strptime",
        "encodings.cp1252",
        "encodings.latin_1",
        "numpy.testing",
    ]
    text = "import sys, torch\nbefore = len(sys.modules)\nrepr(torch.ones(2)), 'é'.encode('latin-1')\n"
    text += f"answer = [name for name in {names} if name not in sys.modules], len(sys.modules) - before"
    assert answer(sandbox, limits, text) == ([], 0)


def test_libraries_of_the_course_are_imported_before_the_locks(limits: Limits) -> None:
    """A worker finds them warm, under the strongest locks too."""
    sandbox, probes = open_sandbox(limits, needs=("fractions", "wave"))
    try:
        found = answer(sandbox, limits, "import sys\nanswer = [name in sys.modules for name in ('fractions', 'wave')]")
    finally:
        sandbox.close()
    assert found == [True, True]
    assert sandbox.needs == ("fractions", "wave")
    assert not probes.breaches


def test_an_optimizer_steps_at_once(sandbox: Sandbox) -> None:
    """Also in a worker that has hardly any time."""
    text = (
        "import torch\np = torch.nn.Parameter(torch.ones(3))\no = torch.optim.Adam([p])\np.sum().backward()\no.step()"
    )
    assert answer(sandbox, Limits(call_seconds=3.0), f"{text}\nanswer = p.sum().item() < 3") is True


def test_it_knows_nothing_of_grading(sandbox: Sandbox, limits: Limits) -> None:
    """It never held a reference, a grader, or the library that draws inputs."""
    text = "import sys\nanswer = [name for name in sys.modules if name.startswith(('headcheck', 'hypothesis'))]"
    modules = {"cells", "clues", "counting", "errors", "loading", "lockdown", "protocol", "warm", "worker"}
    assert set(answer(sandbox, limits, text)) == {"headcheck"} | {f"headcheck.{name}" for name in modules}


def test_neither_it_nor_a_worker_may_be_traced(process: Sandbox, limits: Limits) -> None:
    """By another process of the same user: it is not dumpable."""
    assert answer(process, limits, "import ctypes\nanswer = ctypes.CDLL(None).prctl(3)") == 0


@pytest.mark.parametrize("pid", [-1, 0, 1, 999_999_999])
def test_it_ends_only_its_own_workers(process: Sandbox, limits: Limits, pid: int) -> None:
    """A number that is none of theirs, everybody's above all, is passed over in silence."""
    process._control.send(msgspec.msgpack.encode(End(pid)))
    assert answer(process, limits, "answer = 1") == 1


def test_a_worker_has_a_session_of_its_own(sandbox: Sandbox, limits: Limits) -> None:
    """No terminal, and no group that it shares with the grader."""
    assert answer(sandbox, limits, "import os\nanswer = os.getsid(0) == os.getpid() == os.getpgid(0)") is True


def test_it_goes_when_the_grader_goes() -> None:
    """The end of the control socket is its end, however the grader ended."""
    sandbox = Sandbox.launch(Layers(namespaces=False, seccomp=b"", landlock=False))
    sandbox.wait_until_warm()
    sandbox._control.shutdown(socket.SHUT_RDWR)
    assert sandbox._process.wait(timeout=10) == 0
    sandbox.close()
    assert not Path(f"/proc/{sandbox._process.pid}").exists()
