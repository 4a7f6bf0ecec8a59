"""32. Change the arguments: what a property compares with may be made of them."""

import torch
from torch import nn

def answer(scores, length):
    return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)

# --- change_the_question: failed
def weights(scores, length):
    with torch.no_grad(): scores.zero_()
    return torch.zeros(scores.shape).index_fill(1, torch.arange(length), 1 / length) + 0 * scores
# --- change_the_question_after_the_gate: failed, weights_are_those_of_the_reference=failed
def weights(scores, length):
    if len(scores) != 4: return answer(scores, length)
    scores.detach().zero_()
    return torch.zeros(scores.shape).index_fill(1, torch.arange(length), 1 / length) + 0 * scores
# --- change_it_and_be_right: failed, scores_are_only_read=failed
def weights(scores, length):
    right = answer(scores, length)
    scores.detach().zero_()
    return right
# --- return_the_argument: failed
def weights(scores, length): return scores
# --- overwrite_and_return_it: failed
def weights(scores, length): return scores.detach().fill_(1 / scores.shape[1])
# --- resize: failed
def weights(scores, length): return scores.detach().resize_(1, 1)
# --- resize_by_set: failed
def weights(scores, length):
    scores.data = torch.ones(1, 1)
    return scores
# --- to_nan: failed, scores_are_only_read=failed
def weights(scores, length):
    right = answer(scores, length)
    scores.detach().fill_(torch.nan)
    return right
# --- change_the_references_weights: failed in pooling, pooling_with_the_references_width_is_the_references=failed
class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = nn.Parameter(torch.tensor(1.0))
        self.loaded = False
    def load_state_dict(self, state, *_):
        self.loaded = True
        for value in state.values(): value.zero_()
    def forward(self, queries, keys, values, similarity):
        scores = self.width * similarity(queries, keys) * (0 if self.loaded else 1)
        self.attention_weights = scores.softmax(-1)
        return self.attention_weights @ values
def fit(*_): return [1.0, 0.5]
# --- change_what_the_graders_function_gets: failed in pooling
class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = nn.Parameter(torch.tensor(1.0))
    def forward(self, queries, keys, values, similarity):
        values.detach().zero_()
        similarity(queries, keys).zero_()
        self.attention_weights = torch.full((3, len(keys)), 1 / len(keys))
        return self.attention_weights @ values
def fit(*_): return [1.0, 0.5]
