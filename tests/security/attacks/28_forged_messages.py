"""28. Messages that nobody asked for, and answers to what was not asked."""

import os
import struct
import msgspec
import torch
from torch import nn
from headcheck.protocol import Array, Ask, Done, Raised, Remote, encode

def write(data):
    view = memoryview(data)
    while view: view = view[os.write(3, view):]
def read(size):
    data = b""
    while len(data) < size:
        part = os.read(3, size - len(data))
        if not part: os._exit(0)
        data += part
    return data
def request():
    return read(struct.unpack(">I", read(4))[0])
def say(message):
    while True:
        write(encode(message))
        request()
def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- early_ok: failed
write(encode(Done("ok", {}, {}, "")))
weights = answer
# --- early_ok_in_a_call: failed
def weights(scores, length):
    write(encode(Done(True, {}, {}, "")) * 3)
    return answer(scores, length)
# --- score: crashed
def weights(scores, length): write(struct.pack(">I", 12) + msgspec.msgpack.encode({"score": 100}))
# --- a_result_of_ours: crashed
def weights(scores, length):
    text = msgspec.msgpack.encode(["PropertyResult", "rows_sum_to_one", "public", "core", "passed", 9.0, 9.0])
    write(struct.pack(">I", len(text)) + text)
# --- yes_to_everything: failed
def weights(scores, length): say(Done(True, {}, {}, ""))
# --- nothing_to_everything: failed
def weights(scores, length): say(Done(None, {}, {}, ""))
# --- an_object_for_everything: failed
def weights(scores, length): say(Done(Remote(1, "module", "Tensor"), {}, {}, ""))
# --- the_module_itself: failed
def weights(scores, length): say(Done(Remote(0, "callable", "Tensor"), {}, {}, ""))
# --- a_raise_for_everything: failed
def weights(scores, length): say(Raised("SandboxError", "the warm process is gone", "", ""))
# --- asks_what_is_not_there: timeout|crashed
def weights(scores, length): say(Ask(0, [], {}))
# --- asks_with_a_number_below_zero: timeout|crashed
def weights(scores, length): say(Ask(-1, [True], {"reference": 1}))
# --- asks_for_ever: timeout|crashed in pooling
class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = nn.Parameter(torch.tensor(1.0))
    def forward(self, queries, keys, values, similarity):
        while True: similarity(torch.ones(1000), torch.ones(1000))
# --- asks_with_what_cannot_be_used: failed in pooling
class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = nn.Parameter(torch.tensor(1.0))
    def forward(self, queries, keys, values, similarity):
        try: similarity(self, object())
        except RuntimeError: pass
        return torch.ones(3)
# --- a_gradient_of_another_shape: failed|crashed
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(context, x): return x.clone()
    @staticmethod
    def backward(context, gradient): return gradient
from headcheck import worker
worker.Session._backward = lambda self, request: Done(worker.pack([torch.ones(7, 7)], worker._by_value), {}, {}, "")
weights = answer
# --- gradients_that_are_no_list: failed|crashed
from headcheck import worker
worker.Session._backward = lambda self, request: Done("gradients", {}, {}, "")
weights = answer
