"""43. Pickles, returned in every way; nobody opens them."""

import io
import pickle
import torch

class Bomb:
    def __reduce__(self): return exec, (f"open({GOALS['marker']!r}, 'w')",)

# --- bytes_of_it: failed
def weights(scores, length): return pickle.dumps(Bomb())
# --- the_object: failed
def weights(scores, length): return Bomb()
# --- saved_by_torch: failed
def weights(scores, length):
    file = io.BytesIO()
    torch.save({"weights": Bomb()}, file)
    return file.getvalue()
# --- as_a_tensor: failed
def weights(scores, length): return torch.frombuffer(bytearray(pickle.dumps(Bomb())), dtype=torch.uint8)
# --- as_a_text: failed
def weights(scores, length): return pickle.dumps(Bomb(), protocol=0).decode("latin-1")
# --- in_an_exception: failed
class Carries(Exception):
    def __reduce__(self): return Bomb().__reduce__()
def weights(scores, length): raise Carries(pickle.dumps(Bomb()))
# --- as_a_key: failed
def weights(scores, length): return {Bomb(): Bomb(), pickle.dumps(Bomb()): 1}
