"""13. Use time: the processor's, the clock's, in Python and in compiled code."""

import threading
import time
import torch

# --- spin: timeout
def weights(scores, length):
    while True: pass

# --- sleep: timeout
def weights(scores, length): time.sleep(99)

# --- sleep_at_import: timeout
time.sleep(99)

# --- multiply_for_ever: timeout
def weights(scores, length):
    torch.set_num_threads(2)
    big = torch.ones(3000, 3000, dtype=torch.float64)
    while True: big = big @ big

# --- spin_in_one_call_of_C: timeout
def weights(scores, length): return sum(range(10**12))

# --- leave_a_thread_that_spins: passed
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
def weights(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)
