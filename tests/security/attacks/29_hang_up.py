"""29. Close the line, and standard output."""

import os
import sys
import torch

def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- close_the_line: crashed
def weights(scores, length): os.close(3)
# --- close_the_line_at_import: crashed
os.close(3)
# --- another_file_in_its_place: crashed
def weights(scores, length): os.dup2(0, 3)
# --- close_everything: crashed
def weights(scores, length): os.closerange(0, 4096)
# --- close_standard_output: passed
for number in (0, 1, 2): os.close(number)
weights = answer
# --- close_pythons_standard_output: passed
def weights(scores, length):
    sys.stdout.close()
    sys.stderr = None
    return answer(scores, length)
# --- keep_standard_output: passed
KEPT = sys.stdout
def weights(scores, length):
    sys.stdout = sys.__stdout__ = KEPT
    print("x" * 1000)
    return answer(scores, length)
