"""Locks: applied in a process of their own, and tried from within."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from headcheck import lockdown
from headcheck.lockdown import landlock_version
from headcheck.system_calls import compile_filter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's")
landlock = pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")

ATTEMPT = """
import mmap, os, resource, signal, socket, threading, time
from headcheck.lockdown import Locks, lock

def refused(act):
    try:
        act()
    except OSError:
        return True
    return False

os.chdir("/")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
lock(Locks({memory}, {cpu}, {threads}, bytes.fromhex("{seccomp}"), {landlock}, {readable}))
print({tried})
"""


def locked(tried, *, memory=512, cpu=10, threads=4096, seccomp=b"", landlock=False, readable=("/",)):
    """What an expression is in a process that has locked itself."""
    program = ATTEMPT.format(
        tried=tried,
        memory=memory,
        cpu=cpu,
        threads=threads,
        seccomp=seccomp.hex(),
        landlock=landlock,
        readable=list(readable),
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_resources_are_bounded_for_good():
    """No file is written, no core dumped, few files opened; CPU time ends with a signal that says so, then for good."""
    names = ["FSIZE", "CORE", "CPU", "NOFILE"]
    limits = ", ".join(f"resource.getrlimit(resource.RLIMIT_{name})" for name in names)
    assert locked(limits, cpu=7) == "(0, 0) (0, 0) (7, 8) (64, 64)"


@pytest.mark.parametrize(("mib", "fits"), [(8, True), (200, False)])
def test_memory_is_bounded_beyond_what_is_in_use(mib, fits):
    """An allowance, whatever the process held before."""
    assert locked(f"not refused(lambda: mmap.mmap(-1, {mib} << 20))", memory=64) == str(fits)


@pytest.fixture
def shared():
    """A directory that everybody may use, with a file that everybody may write."""
    with tempfile.TemporaryDirectory() as name:
        directory, file = Path(name), Path(name, "file")
        directory.chmod(0o777)
        file.write_text("needle")
        file.chmod(0o666)
        yield directory


def test_no_file_can_grow(shared):
    """Where a file may be opened for writing, its end is the end."""
    write = f"os.write(os.open({str(shared / 'file')!r}, os.O_WRONLY | os.O_APPEND), b'x')"
    assert locked(f"refused(lambda: {write})") == "True"
    assert (shared / "file").read_text() == "needle"


def test_a_locked_process_is_nobody_without_privileges():
    """Where it was root before; and it can gain nothing by executing a file."""
    script = "open('/proc/self/status').read()"
    uid = "65534" if os.geteuid() == 0 else str(os.geteuid())
    assert locked(f"os.getresuid(), [line for line in {script}.splitlines() if 'NoNewPrivs' in line]") == (
        f"({uid}, {uid}, {uid}) ['NoNewPrivs:\\t1']"
    )


def test_a_lock_that_cannot_be_had_is_an_error():
    """Nothing goes on unlocked: the kernel's refusal is raised."""
    with pytest.raises(OSError, match="Invalid argument"):
        lockdown._prctl(0x7FFFFFFF)


@landlock
@pytest.mark.parametrize(("on", "refused"), [(True, "False True True True"), (False, "False False False False")])
def test_landlock_hides_what_is_not_listed(shared, on, refused):
    """Reading, writing and listing; what is listed stays readable, what does not exist is passed over."""
    (shared / "shown").write_text("")
    attempts = [
        f"open({str(shared / 'shown')!r}).read()",
        f"open({str(shared / 'file')!r}).read()",
        f"os.open({str(shared / 'file')!r}, os.O_WRONLY)",
        f"os.listdir({str(shared)!r})",
    ]
    tried = ", ".join(f"refused(lambda: {attempt})" for attempt in attempts)
    assert locked(tried, landlock=on, readable=[str(shared / "shown"), "/absent"]) == refused


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), 0)",
        "os.open('/tmp', os.O_RDWR | os.O_TMPFILE)",
        "os.open('/dev/null', os.O_WRONLY)",
        "os.chmod('/tmp', 0o777)",
        "os.nice(1)",
        "os.memfd_create('x')",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
        "os.setsid()",
    ],
)
def test_the_filter_refuses(attempt):
    """The attempt itself, in a locked process."""
    assert locked(f"refused(lambda: {attempt})", seccomp=compile_filter()) == "True"


@pytest.mark.parametrize(
    "use",
    [
        "open('/dev/null').read()",
        "os.listdir('/')",
        "time.sleep(0.001)",
        "os.urandom(4)",
        "threading.Thread(target=int).start()",
        "resource.getrlimit(resource.RLIMIT_CPU)",
        "os.dup(1)",
    ],
)
def test_the_filter_allows_what_honest_code_needs(use):
    """Reading, clocks, randomness, threads, one's own limits."""
    assert locked(f"refused(lambda: {use})", seccomp=compile_filter()) == "False"


def test_a_broken_filter_is_an_error():
    """The process does not go on without it."""
    with pytest.raises(AssertionError, match="OSError"):
        locked("'went on'", seccomp=b"\xff" * 8)
