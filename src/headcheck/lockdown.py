"""Lock the calling process for good: another user, bounded resources, no new files, no new processes, no network.

Runs in a freshly forked worker before any byte of a student's arrives. The seccomp filter comes ready-made from the
grader, where libseccomp compiles it; Landlock has no packaged binding, so its three system calls are made here.
Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_VERSION_FLAG = 1
_LANDLOCK_PATH_BENEATH = 1
_LANDLOCK_READ = 0b1100  # read files, list directories
_LANDLOCK_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # number of file rights from this ABI version on
_LANDLOCK_NETWORK_SINCE = 4
_LANDLOCK_SCOPES_SINCE = 6

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Locks:
    """What a worker may still use, and the layers to apply: `seccomp` is a compiled filter (empty: none).

    `threads` are those of all processes of its user together, which is how the kernel counts them.
    """

    memory_mib: int
    cpu_seconds: int
    threads: int
    seccomp: bytes
    landlock: bool
    readable: list[str]


def lock(locks: Locks) -> None:
    """Apply every lock; raises OSError when one that was asked for cannot be had."""
    _limit_resources(locks)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if locks.landlock:
        _restrict_files(locks.readable)
    _become_nobody()
    protect()
    die_with_parent()  # after the change of user, which clears it; the filter forbids to undo it
    if locks.seccomp:
        _filter_system_calls(locks.seccomp)


def protect() -> None:
    """Let no other process of the same user trace this one or read its memory."""
    _prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    """Be killed when the process that started this one ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none escapes."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    version = _libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION_FLAG)
    return max(int(version), 0)


def _limit_resources(locks: Locks) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    memory = pages * resource.getpagesize() + locks.memory_mib * 1024 * 1024
    limits = [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, locks.threads),
    ]
    for name, limit in limits:
        resource.setrlimit(name, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (locks.cpu_seconds, locks.cpu_seconds + 1))  # SIGXCPU, then SIGKILL


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def _restrict_files(readable: list[str]) -> None:
    version = landlock_version()
    if not version:
        return
    rights = max(count for since, count in _LANDLOCK_FILE_RIGHTS.items() if since <= version)
    network = 0b11 if version >= _LANDLOCK_NETWORK_SINCE else 0
    scopes = 0b11 if version >= _LANDLOCK_SCOPES_SINCE else 0
    attributes = struct.pack("QQQ", (1 << rights) - 1, network, scopes)
    size = 24 if scopes else 16 if network else 8
    ruleset = _check(_libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))
    for path in readable:
        try:
            directory = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        allowed = _LANDLOCK_READ if Path(path).is_dir() else 0b100
        rule = struct.pack("=Qi", allowed, directory)
        _check(_libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_BENEATH, rule, 0))
        os.close(directory)
    _check(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _filter_system_calls(program: bytes) -> None:
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header)


def _prctl(option: int, *arguments: int | bytes) -> None:
    if sys.platform != "linux":
        return  # what is not enforced there is said by the sandbox's level
    padded = [
        argument if isinstance(argument, bytes) else ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0)
    ]
    _check(_libc.prctl(option, *padded[:4]))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
