"""35. Change what is global; a right answer stays right, and nobody else notices."""

import gc
import os
import random
import torch

def weights(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- default_dtype: passed
torch.set_default_dtype(torch.float64)
# --- threads: passed
torch.set_num_threads(8)
# --- no_gradients: passed
torch.set_grad_enabled(False)
# --- inference: passed|failed
torch.inference_mode().__enter__()
# --- deterministic: passed
torch.use_deterministic_algorithms(True)
torch.backends.mkldnn.enabled = False
# --- seeds: passed
torch.manual_seed = torch.seed = torch.random.manual_seed = random.seed = lambda *_: None
# --- denormals: passed
torch.set_flush_denormal(True)
# --- default_device: passed|failed|crashed
torch.set_default_device("meta")
# --- a_mode_that_stays: passed|failed
from torch.utils._python_dispatch import TorchDispatchMode
class Nothing(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        return function(*arguments, **(options or {}))
Nothing().__enter__()
# --- no_garbage_collection: passed
gc.disable()
os.environ.clear()
os.umask(0o777)
