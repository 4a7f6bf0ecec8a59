"""25. Bytes that are no message."""

import os

# --- in_a_call: crashed
def weights(scores, length): os.write(3, os.urandom(4096))

# --- at_import: crashed
os.write(3, b"\0\0\0\5hello")

# --- empty_message: crashed
def weights(scores, length): os.write(3, b"\0\0\0\0")

# --- text: crashed
def weights(scores, length): os.write(3, b"HTTP/1.1 200 OK\r\n\r\n{\"score\": 100}")

# --- from_a_thread_between_calls: crashed|failed
import threading, time, torch
def write():
    while True:
        time.sleep(0.001)
        os.write(3, b"\xff\xff\xff\xff")
threading.Thread(target=write, daemon=True).start()
def weights(scores, length):
    time.sleep(0.05)
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)
