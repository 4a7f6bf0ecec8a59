"""15. Processes and threads without end."""

import ctypes
import os
import _thread
import time

def syscall(number, *arguments):
    if os.uname().machine != "x86_64": raise OSError("another processor")
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(number, *arguments)
    if got < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if got == 0: os._exit(0)
    return got

# --- processes: refused
def fork():
    pid = os.fork()
    if not pid: os._exit(0)
    return pid
def forkpty():
    pid, _ = os.forkpty()
    if not pid: os._exit(0)
    return pid
def by_number(): return syscall(57)
def vfork_by_number(): return syscall(58)
def clone(): return syscall(56, 17, 0, 0, 0, 0)
def clone3():
    arguments = (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17, 0, 0, 0)
    return syscall(435, arguments, 64)
def spawn(): return os.posix_spawn("/bin/true", ["true"], {})
def multiprocess():
    import multiprocessing
    process = multiprocessing.get_context("fork").Process(target=os._exit, args=(0,))
    process.start()
    return process.pid

# --- threads: failed
def weights(scores, length):
    _thread.stack_size(32768)
    started = 0
    try:
        while True:
            _thread.start_new_thread(time.sleep, (9,))
            started += 1
    except RuntimeError as error:
        raise RuntimeError(f"{'few' if started < 1000 else 'many'} threads: {error}")
