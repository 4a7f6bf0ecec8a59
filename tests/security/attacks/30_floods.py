"""30. Print without end."""

import os
import sys
import torch

def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- a_line_of_a_hundred_million: passed
print("x" * 10**8)
weights = answer
# --- many_lines: passed
for _ in range(20_000): print("line " * 10, file=sys.stderr)
weights = answer
# --- past_python: passed
for _ in range(100): os.write(1, b"x" * 10**6)
weights = answer
# --- more_than_there_is: failed
print("x" * 10**12)
# --- without_end: timeout
def weights(scores, length):
    while True: print("x" * 1000)
# --- patched: failed|crashed
from headcheck.worker import CappedText
CappedText.text = lambda self: "x" * 10**8
weights = answer
# --- answers_of_sixty_million_characters: failed
def weights(scores, length): return "x" * 60_000_000
# --- raises_sixty_million_characters: failed
def weights(scores, length): raise KeyError("x" * 60_000_000)
