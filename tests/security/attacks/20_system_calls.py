"""20. System calls that widen the way to the kernel, and the other doors to the same calls."""

import ctypes
import mmap
import os

libc = ctypes.CDLL(None, use_errno=True)
def syscall(number, *arguments):
    if os.uname().machine != "x86_64": raise OSError("another processor")
    got = libc.syscall(number, *arguments)
    if got < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got + 1
def machine_code(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()

# --- call_them: refused
def new_user_namespace(): return syscall(272, 0x10000000)
def new_mounts(): return syscall(272, 0x20000)
def mount(): return syscall(165, b"none", b"/tmp", b"tmpfs", 0, None)
def unmount(): return syscall(166, b"/proc", 2)
def new_mount_calls(): return syscall(430, b"tmpfs", 0)
def move_mount(): return syscall(429, -100, b"/", -100, b"/tmp", 0)
def enter_a_namespace(): return syscall(308, os.open("/proc/self/ns/net", os.O_RDONLY), 0)
def change_the_root(): return syscall(161, b"/tmp")
def pivot(): return syscall(155, b"/", b"/tmp")
def bpf(): return syscall(321, 0, None, 0)
def performance_events(): return syscall(298, None, 0, -1, -1, 0)
def io_uring(): return syscall(425, 1, ctypes.create_string_buffer(120))
def userfaultfd(): return syscall(323, 1)
def keys(): return syscall(250, 0, -3, 1)
def add_a_key(): return syscall(248, b"user", b"note", b"hello", 5, -3)
def shared_memory(): return syscall(29, 4711, 4096, 0o1666)
def messages(): return syscall(68, 4711, 0o1666)
def semaphores(): return syscall(64, 4711, 1, 0o1666)
def message_queue(): return syscall(240, b"note", 0o102, 0o666, None)
def memory_file(): return syscall(319, b"note", 0)
def secret_memory(): return syscall(447, 0)
def kernel_module(): return syscall(175, None, 0, b"")
def another_kernel(): return syscall(246, 0, 0, None, 0)
def personality(): return syscall(135, 0x0040000)
def own_filter(): return syscall(317, 1, 0, None)
def landlock(): return syscall(444, None, 0, 1)
def by_handle(): return syscall(304, -100, None, 0)
def watch_files(): return syscall(300, 0, 0)
def watch_a_file(): return syscall(253)
def ports(): return syscall(172, 3)
def segments(): return syscall(154, 0, None, 0)
def other_user(): return os.setuid(0) or 1
def other_groups(): return os.setgroups([0]) or 1
def capabilities(): return syscall(126, ctypes.create_string_buffer(8), ctypes.create_string_buffer(24))
def accounting(): return syscall(163, None)
def name_of_the_host(): return syscall(170, b"x", 1)
def lock_a_file_for_others():
    import fcntl, torch
    return fcntl.flock(os.open(torch.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB) or 1
def drop_a_file_from_the_cache():
    import torch
    return os.posix_fadvise(os.open(torch.__file__, os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED) or 1

# --- through_the_32_bit_door: crashed
def weights(scores, length): machine_code(b"\xb8\x14\0\0\0\xcd\x80\xc3")

# --- through_the_x32_door: crashed|failed
def weights(scores, length): syscall(0x40000000 | 39); raise LookupError("it answered")
