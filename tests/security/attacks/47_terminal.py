"""47. Signals of a parent's death, the terminal, sessions and groups."""

import ctypes
import fcntl
import os
import termios

libc = ctypes.CDLL(None, use_errno=True)
def prctl(*arguments):
    got = libc.prctl(*arguments, 0, 0, 0, 0)
    if got < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got + 1

# --- play: refused
def forget_the_parents_death(): return prctl(1, 0)
def be_dumpable(): return prctl(4, 1)
def be_traced_by_anybody(): return prctl(0x59616D61, -1)
def keep_capabilities(): return prctl(8, 1)
def drop_nothing(): return prctl(24, 0)
def adopt(): return prctl(36, 1)
def own_filter(): return prctl(22, 1)
def move_own_memory(): return prctl(35, 1, 0)
def type_into_the_terminal(): return fcntl.ioctl(0, termios.TIOCSTI, b"x")
def take_the_terminal(): return fcntl.ioctl(0, termios.TIOCSCTTY, 0)
def open_the_terminal(): return os.open("/dev/tty", os.O_RDONLY)
def open_a_new_terminal(): return os.openpty()
def new_session(): return os.setsid() or 1
def new_group(): return os.setpgid(0, 0) or 1
def foreground(): return os.tcsetpgrp(0, os.getpgrp()) or 1
def owner_of_the_line(): return fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid()) or 1
def signals_of_the_line(): return fcntl.fcntl(3, fcntl.F_SETSIG, 9) or 1
def size_of_a_pipe(): return fcntl.fcntl(os.pipe()[1], 1031, 2**20)
