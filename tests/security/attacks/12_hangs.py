"""12. Hang, and take no signal."""

import signal
import time

# --- deaf: timeout
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
def weights(scores, length):
    while True:
        try:
            time.sleep(9)
        except BaseException:
            pass
