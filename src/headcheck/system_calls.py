"""The system calls that a worker may make, compiled by libseccomp into a filter for the kernel.

Everything not listed fails with EPERM. There is no socket, no exec, no fork, no file that could be written; threads are
allowed because torch may start them; there are no signals, not even to oneself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile

from headcheck.errors import SandboxError

LIBSECCOMP_MISSING = (
    "libseccomp is missing: install the package libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora, Arch)"
)

ALLOWED = """
    read readv pread64 write writev lseek close fstat newfstatat stat lstat statx access faccessat faccessat2
    readlink readlinkat getcwd getdents64 dup dup2 dup3 poll ppoll select pselect6 pipe2
    mmap munmap mprotect mremap madvise brk mincore msync
    futex set_robust_list get_robust_list rseq membarrier set_tid_address sched_yield sched_getaffinity
    sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getcpu
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait sigaltstack restart_syscall pause
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getitimer setitimer alarm
    getrandom uname sysinfo getrusage getrlimit getpid getppid gettid getuid geteuid getgid getegid getgroups
    getresuid getresgid getpgrp getpgid getsid arch_prctl exit exit_group umask
    get_mempolicy eventfd2
""".split()  # noqa: SIM905  (a table of names)

_CLONE_THREAD = 0x10000
_READ_ONLY = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND | (os.O_TMPFILE & ~os.O_DIRECTORY)
_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)  # duplicate, read and set flags; no locks, no owner, no seals
_PR_SET_NAME = 15
_PR_GET_NAME = 16


def compile_filter() -> bytes:
    """The allow-list as a BPF program; raises SandboxError where libseccomp is missing."""
    try:
        import pyseccomp as seccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise SandboxError(LIBSECCOMP_MISSING) from error
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for name in ALLOWED:
        _add(rules, seccomp.ALLOW, name)
    only_read = seccomp.Arg(2, seccomp.MASKED_EQ, _READ_ONLY, 0)
    _add(rules, seccomp.ALLOW, "openat", only_read)
    _add(rules, seccomp.ALLOW, "open", seccomp.Arg(1, seccomp.MASKED_EQ, _READ_ONLY, 0))
    _add(rules, seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    _add(
        rules, seccomp.ERRNO(errno.ENOSYS), "clone3"
    )  # its flags are out of a filter's reach; glibc falls back to clone
    _add(rules, seccomp.ERRNO(errno.ENOSYS), "openat2")
    _add(rules, seccomp.ERRNO(errno.ENOTTY), "ioctl")  # Python asks every file whether it is a terminal
    for command in _FCNTL_COMMANDS:
        _add(rules, seccomp.ALLOW, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for option in (_PR_SET_NAME, _PR_GET_NAME):
        _add(rules, seccomp.ALLOW, "prctl", seccomp.Arg(0, seccomp.EQ, option))
    own, unset = seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(2, seccomp.EQ, 0)
    _add(rules, seccomp.ALLOW, "prlimit64", own, unset)
    _add(rules, seccomp.ALLOW, "sched_setaffinity", own)  # of others, too, where they are the same user's
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(rules: object, action: int, name: str, *arguments: object) -> None:
    with contextlib.suppress(ValueError, OSError, RuntimeError):  # this processor may not have that call
        rules.add_rule(action, name, *arguments)  # type: ignore[attr-defined]
