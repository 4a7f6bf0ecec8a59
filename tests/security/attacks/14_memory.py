"""14. Use memory: of Python, of torch, of the file systems that are memory."""

import os
import torch

# --- in_python: failed|crashed
def weights(scores, length):
    held = []
    while True: held.append(bytearray(2**24))

# --- in_torch: failed|crashed
def weights(scores, length): return torch.ones(2**32)

# --- at_import: failed|crashed
held = [torch.ones(2**22) for _ in range(10**5)]

# --- in_the_answer: failed
def weights(scores, length): return torch.zeros(2, 2**22)

# --- in_files: refused
def shared(): return open("/dev/shm/hog", "wb").write(bytes(2**20))
def temporary(): return open("/tmp/hog", "wb").write(bytes(2**20))
def nameless(): return os.memfd_create("hog")
def unnamed_file(): return os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
