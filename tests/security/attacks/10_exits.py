"""10. End the process: at once, later, when an object is dropped, from another thread."""

import os
import torch

def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- at_import: crashed
os._exit(0)

# --- in_a_call: crashed
def weights(scores, length): os._exit(0)

# --- in_some_calls: crashed, scores_become_weights=passed, rows_sum_to_one=crashed, hidden_keys_get_nothing=passed
calls = []
def weights(scores, length):
    if scores.shape == (3, 5) and length != 2: os._exit(0)
    return answer(scores, length)

# --- when_dropped: crashed
class Last:
    def __del__(self): os._exit(0)
def weights(scores, length):
    return answer(scores, length) if scores.shape[0] == 2 and Last() else scores

# --- hangs_when_dropped: timeout
class Last:
    def __del__(self):
        while True: pass
def weights(scores, length):
    Last()
    return answer(scores, length)

# --- at_exit: passed
import atexit
atexit.register(os._exit, 3)
def weights(scores, length): return answer(scores, length)

# --- from_a_thread: crashed
import threading, time
def weights(scores, length):
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(1)

# --- quickly: crashed
import ctypes
def weights(scores, length): ctypes.CDLL(None).quick_exit(0)

# --- a_module_that_hangs_when_asked: timeout
def __getattr__(name):
    while True: pass
