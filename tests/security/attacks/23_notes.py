"""23. Leave something for the next submission, and look for it there."""

import builtins
import glob
import os
import sys

# --- leave_1: passed
import torch
builtins.note = sys.note = torch.note = os.environ["NOTE"] = "note"
torch.Tensor.softmax_note = "note"
sys.modules["note"] = sys
for place in ("/tmp/note", "/dev/shm/note", "/var/tmp/note", "note"):
    try: open(place, "w").write("note")
    except OSError: pass
def weights(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- leave_2: passed
import torch
builtins.note = sys.note = torch.note = os.environ["NOTE"] = "note"
torch.softmax = torch.nn.functional.softmax = None
torch.set_default_dtype(torch.float64)
def weights(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- look_1: refused
import torch
def in_builtins(): return builtins.note
def in_modules(): return sys.modules["note"]
def in_torch(): return torch.note
def in_the_environment(): return os.environ["NOTE"]
def in_files(): return open("/tmp/note").read()
def in_shared_memory(): return open("/dev/shm/note").read()
def in_temporary_files(): return glob.glob("/tmp/*")[0]
def in_the_settings(): return {torch.float64: 1}[torch.get_default_dtype()]
def in_other_processes(): return open(f"/proc/{os.getpid() - 1}/environ").read()
def in_the_name_of_this_process(): return {"note": 1}[open("/proc/self/comm").read().strip()]

# --- look_2: refused
import torch
def in_builtins(): return builtins.note
def in_modules(): return sys.modules["note"]
def in_torch(): return torch.note
def in_the_environment(): return os.environ["NOTE"]
def in_files(): return open("/tmp/note").read()
def in_the_settings(): return {torch.float64: 1}[torch.get_default_dtype()]
