"""The filter: what it lists, and that it is a program for the kernel."""

from __future__ import annotations

import struct
import sys

import pytest

from headcheck.errors import SandboxError
from headcheck.system_calls import ALLOWED, LIBSECCOMP_MISSING, compile_filter

RETURN = 0x06
ALLOW = 0x7FFF0000
MAX_INSTRUCTIONS = 4096


DANGEROUS = """
    socket connect execve fork vfork clone clone3 ptrace process_vm_readv kill tgkill unlink rename chmod mount
    unshare setns bpf perf_event_open io_uring_setup userfaultfd keyctl shmget memfd_create prlimit64 setuid
    open openat creat ioctl fcntl prctl pidfd_getfd
    sched_setaffinity flock fadvise64
""".split()  # noqa: SIM905  (a table of names)


@pytest.mark.parametrize("name", DANGEROUS)
def test_no_dangerous_call_is_allowed_without_a_condition(name):
    """Processes, sockets, files to write, other processes: not in the list."""
    assert name not in ALLOWED


def test_the_list_has_no_call_twice():
    """It is a table to read."""
    assert len(ALLOWED) == len(set(ALLOWED))


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_the_filter_is_a_program_that_refuses_by_default():
    """Whole instructions, few enough for the kernel, some of which allow and some of which do not."""
    program = compile_filter()
    instructions = list(struct.iter_unpack("HBBI", program))
    verdicts = {value for code, _, _, value in instructions if code == RETURN}
    assert len(instructions) <= MAX_INSTRUCTIONS
    assert ALLOW in verdicts
    assert len(verdicts) > 1


def test_a_missing_libseccomp_names_the_package(monkeypatch):
    """As whoever runs the machine must install it."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(SandboxError) as caught:
        compile_filter()
    assert str(caught.value) == LIBSECCOMP_MISSING
