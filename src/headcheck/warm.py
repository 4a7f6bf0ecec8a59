"""The warm process: torch imported and used once, then forked for every submission. It never holds a secret.

It obeys the grader over a control socket: fork a worker on the file descriptor that comes along, or end one and say how
it ended. It must be single-threaded when it forks, and must have run torch once: a process that first uses torch where
`/proc` is out of reach falls back to slower kernels, which round differently.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import resource
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping  # noqa: F401  (every stub imports it)
import msgspec
import torch
from torch import nn

from headcheck.lockdown import Locks, adopt_orphans, lock, protect
from headcheck.worker import serve

if TYPE_CHECKING:
    from typing import NoReturn

CHANNEL = 3

LATE = """
    calendar cmath colorsys configparser csv cProfile doctest fractions getopt graphlib gzip html json.tool
    logging.config logging.handlers optparse pprint pstats sched secrets statistics timeit tomllib tracemalloc
    unittest.mock urllib.request xml.etree.ElementTree zoneinfo _strptime unicodedata encodings.ascii encodings.cp1252
    encodings.iso8859_15 encodings.latin_1 encodings.utf_16 encodings.utf_8_sig numpy.fft numpy.ma numpy.random
    numpy.testing numpy.typing torch.nn.attention.bias torch.utils.checkpoint torch.utils.data
""".split()  # noqa: SIM905  (a table of names)


class Fork(msgspec.Struct, frozen=True, tag=True):
    """Fork a worker on the descriptor that comes with this message."""

    locks: Locks


class End(msgspec.Struct, frozen=True, tag=True):
    """Kill this worker and say how it ended; one that is `ending` by itself is given a moment for it."""

    pid: int
    ending: bool = False


class Look(msgspec.Struct, frozen=True, tag=True):
    """Say how much CPU this worker has used, and waited for."""

    pid: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Warm and single-threaded."""

    threads: int


class Forked(msgspec.Struct, frozen=True, tag=True):
    """A worker is there, under this number."""

    pid: int


class Used(msgspec.Struct, frozen=True, tag=True):
    """What the kernel has charged a worker for so far, all its threads together.

    `waited_seconds` are those in which it could have run, but every processor was at something else.
    """

    cpu_seconds: float
    waited_seconds: float


class Ended(msgspec.Struct, frozen=True, tag=True):
    """How a worker ended, as the kernel reports it: `signal` 0 means it exited by itself.

    `grown_mib` is its memory beyond what it began with; `alive` says that it was killed here, and not before.
    """

    exit_code: int
    signal: int
    cpu_seconds: float
    peak_mib: float
    grown_mib: float = 0.0
    alive: bool = False


Order = Fork | Look | End
Report = Ready | Forked | Used | Ended

MAX_ORDER = 64 * 1024
ENDING_SECONDS = 0.2  # between the end of a worker's line and its own: the kernel is at it
_orders = msgspec.msgpack.Decoder(Order)
_encode = msgspec.msgpack.Encoder().encode


def main(control_fd: int, needs: tuple[str, ...] = ()) -> NoReturn:
    """Warm up, then obey until the grader closes the control socket."""
    protect()
    adopt_orphans()
    warm_up(needs)
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=control_fd)
    control.send(_encode(Ready(count_threads())))
    children: set[int] = set()
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, MAX_ORDER, 1)
        if not data:
            os._exit(0)
        order = _orders.decode(data)
        if isinstance(order, Fork):
            pid = _fork(order.locks, descriptors[0])
            children.add(pid)
            os.close(descriptors[0])
            control.send(_encode(Forked(pid)))
        elif order.pid in children:  # never a pid of 1 or less, nor one that is not ours
            if isinstance(order, End):
                children.remove(order.pid)
            control.send(_encode(_end(order) if isinstance(order, End) else _look(order)))


def warm_up(needs: tuple[str, ...] = ()) -> None:
    """Use, once, what submissions use: matmuls, autograd, an optimiser step (which imports a great deal).

    What honest files import late is imported here, too, because a worker may be locked out of the rest of Python.
    """
    torch.set_num_threads(1)
    for name in needs:
        importlib.import_module(name)
    for name in LATE:
        with contextlib.suppress(ImportError):  # some builds of Python lack some
            importlib.import_module(name)
    layer = nn.Linear(8, 8)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        (torch.ones(8, 8, dtype=dtype) @ torch.ones(8, 8, dtype=dtype)).softmax(-1).exp().sum()
    layer(torch.randn(4, 8)).tanh().sum().backward()
    optimizer.step()
    repr(layer.weight)


def count_threads() -> int:
    """Threads of this process, as the kernel counts them; 1 where it does not say."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else 1


def _fork(locks: Locks, channel: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        _become_worker(locks, channel)
        serve(CHANNEL)
    finally:
        os._exit(70)


def _become_worker(locks: Locks, channel: int) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    held = os.dup(channel)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.dup2(held, CHANNEL)
    os.closerange(CHANNEL + 1, max(held, nothing, resource.getrlimit(resource.RLIMIT_NOFILE)[0]) + 1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    lock(locks)


def _cpu_seconds(pid: int) -> float:
    """From the kernel's clock of that process (its number is made of the pid; see clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:  # it has just ended
        return 0.0


def _look(order: Look) -> Used:
    try:
        waited = int(Path(f"/proc/{order.pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):  # this kernel does not keep count
        waited = 0.0
    return Used(_cpu_seconds(order.pid), waited)


def _end(order: End) -> Ended:
    alive = not _has_ended(order.pid, ENDING_SECONDS if order.ending else 0.0)
    os.kill(order.pid, signal.SIGKILL)
    _, status, usage = os.wait4(order.pid, 0)
    by_signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
    peak = usage.ru_maxrss / 1024
    return Ended(code, by_signal, usage.ru_utime + usage.ru_stime, peak, max(peak - _inherited_mib(), 0.0), alive)


def _inherited_mib() -> float:
    """What a worker begins with: this process's own pages, and none of the libraries' files until it reads them.

    Not the kernel's account of its peak, which began before it was this program.
    """
    own = Path("/proc/self/statm")
    if not own.exists():
        return 0.0
    resident, of_files = own.read_text().split()[1:3]
    return (int(resident) - int(of_files)) * resource.getpagesize() / 2**20


def _has_ended(pid: int, seconds: float) -> bool:
    """Whether a worker has ended within so many seconds; it can still be waited for."""
    deadline = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.001)
    return True
