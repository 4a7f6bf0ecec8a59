"""31. Values that compare in odd ways."""

import torch

def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- nan: failed
def weights(scores, length): return scores * torch.nan
# --- nan_after_the_gate: failed, rows_sum_to_one=failed, weights_are_those_of_the_reference=failed
def weights(scores, length): return answer(scores, length) * (1 if len(scores) == 2 else torch.nan)
# --- infinite: failed
def weights(scores, length): return scores + torch.inf
# --- zero_from_below: failed
def weights(scores, length): return scores * -0.0
# --- empty: failed
def weights(scores, length): return torch.empty(0)
# --- one_number: failed
def weights(scores, length): return torch.ones(1)
# --- broadcast: failed
def weights(scores, length): return answer(scores, length)[:1] if len(scores) > 2 else answer(scores, length)
# --- another_axis: failed
def weights(scores, length): return answer(scores, length)[None]
# --- double: failed
def weights(scores, length): return answer(scores, length).double()
# --- half: failed
def weights(scores, length): return answer(scores, length).half()
# --- whole: failed
def weights(scores, length): return answer(scores, length).long()
# --- complex_numbers: failed
def weights(scores, length): return answer(scores, length) + 0j
# --- strange_float: failed
def weights(scores, length): return answer(scores, length).to(torch.float8_e4m3fn)
# --- leaf: failed
def weights(scores, length): return answer(scores, length).detach().requires_grad_()
# --- sparse: failed
def weights(scores, length): return answer(scores, length).to_sparse()
# --- quantised: failed
def weights(scores, length): return torch.quantize_per_tensor(answer(scores, length).detach(), 0.1, 0, torch.quint8)
# --- on_meta: failed
def weights(scores, length): return answer(scores, length).to("meta")
# --- on_meta_after_the_gate: failed, rows_sum_to_one=failed, hidden_keys_get_nothing=failed
def weights(scores, length): return answer(scores, length).to("meta" if len(scores) > 2 else "cpu")
# --- nested: failed
def weights(scores, length): return torch.nested.nested_tensor([answer(scores, length)])
# --- a_list: failed
def weights(scores, length): return answer(scores, length).tolist()
# --- an_array: failed
def weights(scores, length): return answer(scores, length).detach().numpy()
# --- nothing: failed
def weights(scores, length): pass
# --- tuple_of_it: failed
def weights(scores, length): return (answer(scores, length),)
# --- inside_itself: failed
def weights(scores, length):
    held = []
    held.append(held)
    return held
# --- view_of_one_number: failed
def weights(scores, length): return torch.ones(1).expand(scores.shape)
# --- conjugate: failed
def weights(scores, length): return torch.view_as_real(torch.conj(torch.complex(scores.detach(), scores.detach())))[..., 1]
