"""11. Crash in compiled code."""

import ctypes
import os
import sys

# --- segfault: crashed
def weights(scores, length): ctypes.string_at(0)

# --- abort: crashed
def weights(scores, length): os.abort()

# --- stack_overflow: crashed|failed
def weights(scores, length):
    sys.setrecursionlimit(10**9)
    class Deep:
        def __repr__(self): return repr(Deep())
    return repr(Deep())

# --- illegal_instruction: crashed
import mmap
def weights(scores, length):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\x0f\x0b")
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()

# --- overwrite_the_heap: crashed|failed|timeout
def weights(scores, length):
    ctypes.memset(id(scores), 0x41, 4096)
    return scores
