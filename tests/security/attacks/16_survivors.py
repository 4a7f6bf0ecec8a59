"""16. Outlive the submission: in the background, in another session, without the signal of a parent's death."""

import ctypes
import os
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
def checked(got):
    if got < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got

# --- stay: refused
def daemonise():
    if not os.fork():
        os.setsid()
        time.sleep(60)
        os._exit(0)
    return 1
def in_another_session(): return os.setsid() or 1
def in_another_group(): return os.setpgid(0, 0) or 1
def clear_the_death_signal(): return checked(libc.prctl(1, 0, 0, 0, 0)) + 1
def adopt_others(): return checked(libc.prctl(36, 1, 0, 0, 0)) + 1
def nohup(): return checked(libc.daemon(0, 0)) + 1

# --- a_thread_that_stays: passed
def wait():
    while True: time.sleep(1)
for _ in range(5): threading.Thread(target=wait).start()
import torch
def weights(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)
