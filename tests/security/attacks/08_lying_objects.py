"""8. Objects that are no tensors and agree to everything."""

import torch

class Agrees:
    shape, dtype, device, requires_grad, ndim = (3, 5), torch.float32, torch.device("cpu"), False, 2
    def __eq__(self, other): return True
    def __le__(self, other): return True
    def __sub__(self, other): return 0.0
    __lt__ = __ge__ = __gt__ = __eq__
    __rsub__ = __mul__ = __rmul__ = __sub__
    __hash__ = None
    def __bool__(self): return True
    def __float__(self): return 0.0
    def sum(self, *_, **__): return torch.ones(3)
    def abs(self): return self
    def all(self): return True
    def __getattr__(self, name): return lambda *_, **__: self

def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- agrees_from_the_start: failed
def weights(scores, length): return Agrees()

# --- agrees_after_the_gate: failed, rows_sum_to_one=failed, hidden_keys_get_nothing=failed
def weights(scores, length): return answer(scores, length) if scores.shape[0] == 2 else Agrees()

# --- says_that_it_is_a_module: failed, rows_sum_to_one=failed
class Module(torch.nn.Module):
    def sum(self, *_): return torch.ones(3)
    def float(self): return torch.ones(3)
def weights(scores, length): return answer(scores, length) if scores.shape[0] == 2 else Module()

# --- a_float_that_lies: failed
class Lies(float):
    def __eq__(self, other): return True
    __le__ = __lt__ = __ge__ = __gt__ = __eq__
    __hash__ = float.__hash__
def weights(scores, length): return Lies(1.0)

# --- an_int_that_lies: failed
class Lies(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def weights(scores, length): return Lies(1)

# --- a_list_that_lies: failed
class Lies(list):
    def __iter__(self): return iter([torch.ones(3)])
    def sum(self, *_): return torch.ones(3)
def weights(scores, length): return Lies()

# --- a_class_that_lies: failed
class Lies:
    @property
    def __class__(self): return torch.Tensor
def weights(scores, length): return Lies()

# --- lies_about_kept_weights: failed in pooling, kept_weights_explain_the_answer=failed
class Kept:
    def sum(self, *_): return torch.ones(3)
    def __matmul__(self, other): return Kept.answer
class Pooling(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.width = torch.nn.Parameter(torch.tensor(1.0))
    def forward(self, queries, keys, values, similarity):
        self.attention_weights, Kept.answer = Kept(), (self.width * similarity(queries, keys)).softmax(-1) @ values
        return Kept.answer
def fit(*_): return [1.0, 0.0]
