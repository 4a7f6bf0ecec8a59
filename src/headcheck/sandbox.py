"""Start, limit and end the processes in which submissions run.

Theory of operation. `Sandbox.launch` starts one *warm process*, under bubblewrap where it works: no network, its own
process table, a read-only root with Python and the few modules that a worker needs, a clean environment. `fork` asks it
for a *worker*, which locks itself (see `lockdown`) before it reads a byte of a submission. `Worker.request` is the only
way to talk to one, with a deadline; a worker that overruns it is killed by the warm process, which also says, from the
kernel's accounts, how a worker ended. Which layers hold is found by attempting what is forbidden, in a real worker.

Only this module starts processes that run a student's code.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import msgspec

from headcheck.errors import HeadcheckError, ProtocolError, SandboxError, StudentDied, StudentTimeout
from headcheck.lockdown import NOBODY, Locks, landlock_version
from headcheck.protocol import Ask, Begin, Done, Echo, Get, Load, Raised, decode_reply, encode, frame_length
from headcheck.results import Level
from headcheck.system_calls import compile_filter
from headcheck.warm import End, Ended, Fork, Forked, Look, Order, Ready, Report, Used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headcheck.course import Limits
    from headcheck.protocol import Answer, Notebook, Refuse, Request

BUBBLEWRAP_MISSING = "bubblewrap is missing: install the package bubblewrap (it brings the command bwrap)"
ENGINE = (
    "__init__.py", "errors.py", "protocol.py", "loading.py", "cells.py", "clues.py", "counting.py", "lockdown.py",
    "worker.py", "warm.py",
)  # fmt: skip
WARM_UP_SECONDS = 120.0
END_SECONDS = 30.0
KILLED_SECONDS = 0.5  # between the end of its line and its own
MAX_STARTS = 5  # of a sandbox that is killed each time
MAX_SAID = 64 * 1024
MAX_THREADS = 256
MAX_STRETCH = 10  # times a deadline, on a machine that has too much to do
MIN_READ, MAX_READ = 1 << 16, 1 << 20  # bytes at once: a short message comes whole
MAX_QUESTIONS = 1000  # in one call: the grader's own seconds are nobody's, so they are bounded like this

MAX_TOGETHER = 1 << 16  # bytes that are sent before replies are read: they have room on the line
TOGETHER_SECONDS = 1.0
BEGIN = encode(Begin())

_Done = TypeVar("_Done")
_reports = msgspec.msgpack.Decoder(Report)
_encode_order = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Layers:
    """Which locks to use: namespaces by bubblewrap, a filter by libseccomp, Landlock."""

    namespaces: bool
    seccomp: bytes
    landlock: bool


@dataclass(frozen=True)
class Probes:
    """What a real worker managed to do that it must not, by name; and what is missing on this machine."""

    level: Level
    breaches: list[str]
    missing: list[str]


class Sandbox:
    """One warm process and its workers."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        control: socket.socket,
        layers: Layers,
        needs: tuple[str, ...],
        errors: IO[bytes],
    ) -> None:
        self.needs = needs
        self._process = process
        self._control = control
        self.layers = layers
        self._errors = errors
        self._threads = MAX_THREADS + _threads_of_workers()
        self.level: Level = "process"

    @classmethod
    def launch(cls, layers: Layers, needs: tuple[str, ...] = ()) -> Sandbox:
        """Start a warm process, with these libraries imported besides torch, and return at once.

        `wait_until_warm` waits for it.
        """
        bubblewrap = _bubblewrap() if layers.namespaces else []
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        errors = tempfile.TemporaryFile()  # noqa: SIM115  (it has no name, and goes with the sandbox)
        command = [*bubblewrap, *_python(theirs.fileno(), layers.namespaces, needs)]
        with theirs:
            process = subprocess.Popen(  # noqa: S603  (a command of our own making)
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, pass_fds=[theirs.fileno()],
                env=_environment(), cwd="/", start_new_session=True,
            )  # fmt: skip
        return cls(process, ours, layers, needs, errors)

    def wait_until_warm(self) -> None:
        """Wait for the warm process; raises SandboxError with what it said when it could not start."""
        report = self._receive(WARM_UP_SECONDS)
        if not isinstance(report, Ready) or report.threads != 1:
            raise SandboxError(f"the warm process is not ready to fork: {report}")

    def fork(self, limits: Limits) -> Worker:
        """A locked worker that has not seen any submission yet."""
        ours, theirs = socket.socketpair()
        locks = Locks(
            memory_mib=limits.memory_mib,
            cpu_seconds=int(limits.exercise_seconds) + 1,
            threads=self._threads,
            seccomp=self.layers.seccomp,
            landlock=self.layers.landlock,
            readable=["/"] if self.layers.namespaces else [*_readable_paths(), *map(str, _package_directories())],
        )
        with contextlib.ExitStack() as failed:
            failed.enter_context(ours)
            with theirs:
                try:
                    socket.send_fds(self._control, [_encode_order(Fork(locks))], [theirs.fileno()])
                except OSError as error:
                    raise SandboxError(f"the warm process is gone: {error}{self._said()}") from error
            report = self._receive(END_SECONDS)
            if not isinstance(report, Forked):
                raise SandboxError(f"the warm process answered {report}")
            failed.pop_all()
        return Worker(self, ours, report.pid, limits)

    def end(self, pid: int, *, ending: bool = False) -> Ended:
        """Kill a worker, if it is still there, and learn how it ended; one that is `ending` has a moment for it."""
        report = self._order(End(pid, ending))
        if not isinstance(report, Ended):
            raise SandboxError(f"the warm process answered {report}")
        return report

    def used(self, pid: int) -> Used:
        """How much CPU a worker has used, and has waited for, by the kernel's account."""
        report = self._order(Look(pid))
        if not isinstance(report, Used):
            raise SandboxError(f"the warm process answered {report}")
        return report

    def was_killed(self) -> bool:
        """Whether the warm process got a SIGKILL, and not by `close`."""
        try:
            return self._process.wait(KILLED_SECONDS) in (-signal.SIGKILL, 128 + signal.SIGKILL)
        except subprocess.TimeoutExpired:
            return False

    def close(self) -> None:
        """End the warm process and all its workers."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _order(self, order: Order) -> Report:
        try:
            self._control.send(_encode_order(order))
        except OSError as error:
            raise SandboxError(f"the warm process is gone: {error}{self._said()}") from error
        return self._receive(END_SECONDS)

    def _receive(self, seconds: float) -> Report:
        self._control.settimeout(seconds)
        try:
            data = self._control.recv(64 * 1024)
            if data:
                report: Report = _reports.decode(data)
                return report
        except (OSError, msgspec.MsgspecError) as error:
            raise SandboxError(f"the warm process does not answer: {error}{self._said()}") from error
        raise SandboxError(f"the warm process ended{self._said()}")

    def _said(self) -> str:
        text = os.pread(self._errors.fileno(), MAX_SAID, 0).decode(errors="replace").strip()
        return f": {text[-500:]}" if text else ""


class Worker:
    """One locked process with one submission, reached by typed messages with a deadline."""

    def __init__(self, sandbox: Sandbox, channel: socket.socket, pid: int, limits: Limits) -> None:
        self._sandbox = sandbox
        self._channel = channel
        self._pid = pid
        self._limits = limits
        self._received = bytearray()
        self._opening = b""
        self._echoes = 0
        self.seconds_left = limits.exercise_seconds
        self.alive = True

    def load(
        self,
        sources: Mapping[str, bytes],
        module: str,
        shortcuts: tuple[str, ...],
        notebooks: tuple[Notebook, ...] = (),
    ) -> Done | Raised:
        """Import a submission, after taking the rest of it out of its notebooks."""
        return self.request(Load(dict(sources), module, list(shortcuts), list(notebooks)), _nobody_to_ask)

    def begin(self) -> None:
        """Begin a new example with the next request."""
        self._opening = BEGIN

    def request(self, request: Request, answer: Callable[[Ask], Answer | Refuse]) -> Done | Raised:
        """Send a request, answer what the worker asks meanwhile, and return its reply."""
        return self._within_time(self._limits.call_seconds, partial(self._converse, request, answer))

    def together(self, frames: list[bytes]) -> Iterator[bytes]:
        """Send several requests at once, and give the replies as they come; none of them may take long."""
        while frames:
            count = max(sum(size <= MAX_TOGETHER for size in accumulate(map(len, frames))), 1)
            self._echoes += 1
            whole = b"".join([*frames[:count], encode(Echo(self._echoes))])
            self._within_time(TOGETHER_SECONDS, partial(self._send, whole))
            for _ in range(count):
                yield self._within_time(TOGETHER_SECONDS, self._receive)
            self._within_time(TOGETHER_SECONDS, self._hear_echo)
            frames = frames[count:]

    def _hear_echo(self, deadline: _Deadline) -> None:
        if self._receive(deadline) != encode(Done(self._echoes, {}, {}, ""))[4:]:
            raise ProtocolError("more was said than was asked")

    def _within_time(self, at_most: float, act: Callable[[_Deadline], _Done]) -> _Done:
        """Do so with a deadline; a worker that does not keep it is ended."""
        seconds = min(at_most, self._limits.call_seconds, self.seconds_left)
        deadline = _Deadline(seconds, self._waited_seconds)
        try:
            return act(deadline)
        except TimeoutError as error:
            ended = self.end()
            raise StudentTimeout(
                f"no answer within {seconds:g} s ({ended.cpu_seconds:.1f} s of CPU used): does a loop never end?"
            ) from error
        except (ConnectionError, EOFError) as error:
            ended = self._end(ending=True)
            if self._is_killed_from_outside(ended):
                raise SandboxError(
                    "something killed a worker that had used little memory: the system, where memory is short?"
                ) from error
            raise StudentDied(_cause_of_death(ended)) from error
        except ProtocolError:
            if self.alive:
                self.end()
            raise
        finally:
            self.seconds_left -= min(deadline.used(), seconds)

    def _converse(
        self, request: Request, answer: Callable[[Ask], Answer | Refuse], deadline: _Deadline
    ) -> Done | Raised:
        self._send(encode(request), deadline)
        for _ in range(MAX_QUESTIONS + 1):
            reply = decode_reply(self._receive(deadline))
            if not isinstance(reply, Ask):
                return reply
            deadline.pause()
            frame = encode(answer(reply))
            deadline.go_on()
            self._send(frame, deadline)
        raise ProtocolError(f"one call used the grader's functions more than {MAX_QUESTIONS:,} times")

    def cpu_seconds(self) -> float:
        """What the kernel has charged this worker for so far."""
        return self._sandbox.used(self._pid).cpu_seconds

    def _waited_seconds(self) -> float:
        return self._sandbox.used(self._pid).waited_seconds

    def end(self) -> Ended:
        """Kill the worker and learn how it ended."""
        return self._end(ending=False)

    def _end(self, *, ending: bool) -> Ended:
        self.alive = False
        self._channel.close()
        return self._sandbox.end(self._pid, ending=ending)

    def _is_killed_from_outside(self, ended: Ended) -> bool:
        """Whether a worker got a SIGKILL that it can neither have sent, being locked in, nor brought upon itself."""
        if ended.signal != signal.SIGKILL or ended.alive or self._sandbox.level == "process":
            return False
        return ended.grown_mib < self._limits.memory_mib / 2 and ended.cpu_seconds < self._limits.exercise_seconds

    def _send(self, frame: bytes, deadline: _Deadline) -> None:
        view = memoryview(self._opening + frame)
        self._opening = b""
        while view:
            view = view[self._within(deadline, partial(self._channel.send, view)) :]

    def _receive(self, deadline: _Deadline) -> bytes:
        return self._read(frame_length(self._read(4, deadline)), deadline)

    def _read(self, size: int, deadline: _Deadline) -> bytes:
        while len(self._received) < size:
            wanted = min(max(size - len(self._received), MIN_READ), MAX_READ)
            part = self._within(deadline, partial(self._channel.recv, wanted))
            if not part:
                raise EOFError
            self._received += part
        with memoryview(self._received) as received:
            data = bytes(received[:size])
        del self._received[:size]
        return data

    def _within(self, deadline: _Deadline, act: Callable[[], _Done]) -> _Done:
        while True:
            try:
                self._channel.settimeout(deadline.left())
                return act()
            except TimeoutError:
                if not deadline.stretch():
                    raise


class _Deadline:
    """A number of seconds of somebody else's time, not counting those in which no processor was free for them."""

    def __init__(self, seconds: float, waited: Callable[[], float]) -> None:
        self._given = self._seconds = seconds
        self._waited = waited
        self._since = time.monotonic()
        self._used = 0.0
        self._running = True

    def used(self) -> float:
        return self._used + (time.monotonic() - self._since if self._running else 0.0)

    def left(self) -> float:
        left = self._seconds - self.used()
        if left <= 0:
            raise TimeoutError
        return left

    def stretch(self) -> bool:
        """Add what the process waited for a processor, up to a limit; False when that leaves nothing."""
        self._seconds = min(self._given + self._waited(), MAX_STRETCH * self._given)
        return self._seconds > self.used()

    def pause(self) -> None:
        self._used, self._running = self.used(), False

    def go_on(self) -> None:
        self._since, self._running = time.monotonic(), True


def open_sandbox(limits: Limits, *, at_most: Level = "full", needs: tuple[str, ...] = ()) -> tuple[Sandbox, Probes]:
    """The strongest sandbox that this machine gives, warm and probed."""
    return settle(launch_strongest(at_most=at_most, needs=needs), limits, at_most=at_most)


def launch_strongest(*, at_most: Level = "full", needs: tuple[str, ...] = ()) -> Sandbox:
    """Start the strongest sandbox that may work, without waiting for it."""
    return Sandbox.launch(_possible_layers(at_most)[0], needs)


def settle(sandbox: Sandbox, limits: Limits, *, at_most: Level = "full") -> tuple[Sandbox, Probes]:
    """Wait for a launched sandbox and probe it; where it does not start or hold, take the next weaker one.

    It is started once more before that, and a few times where it was killed: that is no fault of the machine's.
    """
    missing = missing_parts() if at_most == "full" else []
    weaker = _possible_layers(at_most)[1:]
    failures = 0
    while True:
        try:
            sandbox.wait_until_warm()
            breaches = probe(sandbox, limits)
        except SandboxError as error:
            failures += 1
            if failures < (MAX_STARTS if sandbox.was_killed() else 2):
                sandbox.close()
                sandbox = Sandbox.launch(sandbox.layers, sandbox.needs)
                continue
            if not weaker:
                sandbox.close()
                raise
            missing.append(str(error))
        else:
            sandbox.level = _level(sandbox, breaches)
            if not breaches or not weaker:
                if sandbox.level != "full" and (closed := closed_directories()):
                    missing.append(
                        f"late imports may fail: workers may not enter {', '.join(closed)}; be an ordinary user"
                    )
                return sandbox, Probes(sandbox.level, breaches, missing)
            missing += [f"a worker could {breach}" for breach in breaches]
        sandbox.close()
        sandbox, failures = Sandbox.launch(weaker.pop(0), sandbox.needs), 0


def require_level(probes: Probes, *, weak_sandbox: bool, accept_by: str = "--weak-sandbox") -> None:
    """Refuse to grade where submissions cannot be locked in, unless that was accepted; `accept_by` is how to do so."""
    if probes.level == "process" and not weak_sandbox:
        advice = f"Install what is missing, or accept the risk with {accept_by}; it is written into every result."
        missing = "\n\n".join(probes.missing)
        raise HeadcheckError(f"this machine cannot lock submissions in, so nothing was graded\n\n{missing}\n\n{advice}")


def missing_parts() -> list[str]:
    """What this machine lacks for level `full`, each with the package that brings it."""
    missing = [] if shutil.which("bwrap") else [BUBBLEWRAP_MISSING]
    try:
        compile_filter()
    except SandboxError as error:
        missing.append(str(error))
    if sys.platform != "linux":
        missing.append("this system is not Linux: namespaces, seccomp and Landlock do not exist here")
    return missing


def closed_directories() -> list[str]:
    """Directories on the way to Python that a worker may not enter without namespaces, when root becomes nobody."""
    if os.geteuid() != 0:
        return []
    paths = [Path(path) for path in (*_readable_paths(), *map(str, _package_directories()))]
    parents = {parent for path in paths for parent in path.parents}
    return sorted(str(parent) for parent in parents if not parent.stat().st_mode & 0o001)


def probe(sandbox: Sandbox, limits: Limits) -> list[str]:
    """Attempt, in a real worker, what must fail; the names of what did not."""
    with tempfile.TemporaryDirectory(prefix="headcheck-needle-") as directory, socket.socket() as listener:
        needle, goal = Path(directory, "needle"), Path(directory, "goal")
        needle.write_text("needle")
        Path(directory).chmod(0o777)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        acts = "".join(f"({name!r}, {act}), " for name, act in ATTEMPTS.items())
        source = (_PROBE + f"breaches = ', '.join(name for name, act in [{acts}] if attempt(act))").format(
            needle=str(needle), goal=str(goal), port=port, parent=os.getpid()
        )
        worker = sandbox.fork(limits)
        try:
            reply = worker.load({"probe": source.encode()}, "probe", ())
            if not isinstance(reply, Raised):
                reply = worker.request(Get(0, "breaches"), _nobody_to_ask)
        except (StudentDied, StudentTimeout, ProtocolError) as error:
            raise SandboxError(f"a worker could not be started: {error}") from error
        finally:
            if worker.alive:
                worker.end()
    if isinstance(reply, Raised) or not isinstance(reply.value, str):
        raise SandboxError(f"a worker could not be probed: {reply}")
    return reply.value.split(", ") if reply.value else []


_PROBE = """
import os, socket, ctypes

def attempt(act):
    try:
        act()
    except OSError:
        return False
    return True

def fork():
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)

def connect():
    with socket.socket() as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", {port}))

def trace():
    if ctypes.CDLL(None, use_errno=True).ptrace(16, {parent}, 0, 0) < 0:
        raise OSError

def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)
"""
ATTEMPTS = {
    "read another file": "lambda: open({needle!r}).read()",
    "connect to the network": "connect",
    "fork": "fork",
    "write a file": "lambda: write({goal!r})",
    "write to the scratch space": "lambda: write('/tmp/headcheck-goal')",
    "execute a program": "lambda: os.posix_spawn('/bin/true', ['true'], {{}})",
    "trace the grader": "trace",
}
"""What is attempted, by the name under which it is reported when it succeeds."""


def _possible_layers(at_most: Level) -> list[Layers]:
    """From the strongest to the weakest, what may work on this machine."""
    possible = [Layers(namespaces=False, seccomp=b"", landlock=False)]
    try:
        seccomp = compile_filter() if at_most != "process" and sys.platform == "linux" else b""
    except SandboxError:
        seccomp = b""
    landlock = sys.platform == "linux" and landlock_version() > 0
    if seccomp and landlock:
        possible.insert(0, Layers(namespaces=False, seccomp=seccomp, landlock=True))
    if seccomp and at_most == "full" and shutil.which("bwrap"):
        possible.insert(0, Layers(namespaces=True, seccomp=seccomp, landlock=landlock))
    return possible


def _level(sandbox: Sandbox, breaches: list[str]) -> Level:
    if breaches or not sandbox.layers.seccomp:
        return "process"
    return "full" if sandbox.layers.namespaces else "strong"


def _bubblewrap() -> list[str]:
    """The command that gives a process a root of its own: Python, its packages, and nothing of the course."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxError(BUBBLEWRAP_MISSING)
    command = [bwrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:  # real root needs no user namespace; workers become nobody, and can be killed
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]
    else:
        command += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    command += ["--die-with-parent", "--hostname", "sandbox", "--chdir", "/", "--proc", "/proc", "--tmpfs", "/tmp"]
    binds = [("--dev-bind", device, device) for device in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")]
    binds += [("--ro-bind", path, path) for path in _readable_paths()]
    binds += [("--ro-bind", str(directory), _inside(directory)) for directory in _package_directories()]
    binds += [("--ro-bind", str(Path(__file__).parent / name), f"/engine/headcheck/{name}") for name in ENGINE]
    parents = {parent for _, _, target in binds for parent in Path(target).parents} - {Path("/")}
    for parent in sorted(parents):  # bubblewrap would make them for root alone, and workers are not root
        command += ["--perms", "0755", "--dir", str(parent)]
    command += [word for bind in binds for word in bind]
    for directory in _package_directories():
        if (directory / "headcheck").is_dir():
            command += ["--tmpfs", f"{_inside(directory)}/headcheck"]
    return [*command, "--"]


def _python(control: int, inside: bool, needs: tuple[str, ...]) -> list[str]:
    packages = [_inside(path) if inside else str(path) for path in _package_directories()]
    engine = "/engine" if inside else str(Path(__file__).parents[1])
    start = (
        f"import sys; sys.path[:0] = {[engine, *packages]!r}; from headcheck.warm import main; main({control}, {needs})"
    )
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-X", "utf8", "-c", start]


def _environment() -> dict[str, str]:
    """All that a warm process sees of this one's environment: nothing."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    return {
        **threads, "MALLOC_ARENA_MAX": "2", "LANG": "C.UTF-8", "HOME": "/tmp", "USER": "student", "LOGNAME": "student",
        "PYTHONHASHSEED": "0", "TORCHINDUCTOR_CACHE_DIR": "/tmp", "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp",
    }  # fmt: skip


def _threads_of_workers() -> int:
    """How many threads there are already of the user whom workers are: the kernel counts them all together."""
    user = NOBODY if os.geteuid() == 0 else os.getuid()
    threads = 0
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it has just ended
            status = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
            threads += int(status["Threads"]) if int(status["Uid"].split()[0]) == user else 0
    return threads


def _readable_paths() -> list[str]:
    """Python's own files and the system's libraries; in a sandbox without namespaces also its packages."""
    base = Path(sys.base_prefix).resolve()
    paths = [os.path.realpath(sys.executable), sysconfig.get_path("stdlib"), "/lib", "/lib64", "/usr/lib", "/usr/lib64"]
    if str(base) not in ("/", "/usr"):
        paths.append(str(base / "lib"))
    paths += ["/etc/ld.so.cache"]
    return [path for path in dict.fromkeys(paths) if Path(path).exists()]


def _package_directories() -> list[Path]:
    """Where the packages that a submission may import are installed."""
    origins = [find_spec(name).origin for name in ("torch", "msgspec", "numpy", "jaxtyping")]  # type: ignore[union-attr]
    return list(dict.fromkeys(Path(origin).resolve().parents[1] for origin in origins if origin))


def _inside(directory: Path) -> str:
    return f"/packages/{_package_directories().index(directory)}"


def _cause_of_death(ended: Ended) -> str:
    if ended.signal:
        names = {number.value: number.name for number in signal.Signals}
        name = names.get(ended.signal, f"signal {ended.signal}")  # real-time signals have no name
        advice = "out of time" if name == "SIGXCPU" else "a crash in compiled code, or out of memory"
        return f"your code's process was ended by {name}: {advice}"
    return f"your code ended its own process (exit code {ended.exit_code}) before it answered"


def _nobody_to_ask(_question: Ask) -> Refuse:
    from headcheck.protocol import Refuse

    return Refuse("there is nobody to ask")
