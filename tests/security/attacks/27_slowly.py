"""27. Answer a part and hang; answer a byte now and then."""

import os
import time

# --- half_a_header: timeout
def weights(scores, length):
    os.write(3, b"\0\0")
    time.sleep(99)

# --- half_a_message: timeout
def weights(scores, length):
    os.write(3, b"\0\0\1\0half")
    time.sleep(99)

# --- a_byte_now_and_then: timeout
def weights(scores, length):
    os.write(3, b"\0\0\xff\0")
    while True:
        os.write(3, b"x")
        time.sleep(0.2)
