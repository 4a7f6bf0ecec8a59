"""19. Execute a program."""

import ctypes
import os
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
def checked(got):
    if got < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got

# --- execute: refused
def execv(): return os.execv("/bin/true", ["true"])
def execve_of_python(): return os.execve(sys.executable, [sys.executable, "-c", "pass"], {})
def system(): return os.system("true") and 1 / 0 or 1
def run(): return subprocess.run(["true"], check=True)
def shell(): return subprocess.check_output("id", shell=True)
def popen(): return os.popen("id").read() or 1 / 0
def spawn(): return os.posix_spawn("/bin/true", ["true"], {})
def from_memory():
    file = os.memfd_create("program")
    os.write(file, open("/bin/true", "rb").read())
    return os.execve(file, ["true"], {})
def by_ctypes(): return checked(libc.execve(b"/bin/true", None, None)) + 1
def by_number(): return checked(libc.syscall(59, b"/bin/true", None, None)) + 1
def execveat(): return checked(libc.syscall(322, -100, b"/bin/true", None, None, 0)) + 1
def the_loader(): return os.execv("/lib64/ld-linux-x86-64.so.2", ["ld", "/bin/true"])
