"""37. Claim what was not done."""

import torch
from torch import nn

def weights_of(scores): return scores.softmax(-1)
class Honest(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = nn.Parameter(torch.tensor(1.0))
    def forward(self, queries, keys, values, similarity):
        self.attention_weights = weights_of(self.width * similarity(queries, keys))
        return self.attention_weights @ values
Pooling = Honest
def fit(*_): return [1.0, 0.5, 0.1]

# --- losses_that_fall: failed in pooling, training_gets_better=failed, the_width_learns=passed
def fit(*_): return [2.0 ** -step for step in range(15)]
# --- kept_weights_that_sum_to_one: failed in pooling, kept_weights_explain_the_answer=failed
class Pooling(Honest):
    def forward(self, queries, keys, values, similarity):
        answer = super().forward(queries, keys, values, similarity)
        self.attention_weights = torch.full((len(queries), len(keys)), 1 / len(keys))
        return answer
# --- parameters_of_another_model: failed in pooling, pooling_with_the_references_width_is_the_references=failed
class Pooling(Honest):
    def load_state_dict(self, state, *_): self.claimed = dict(state)
    def state_dict(self, *_, **__): return self.claimed
# --- a_state_that_is_none: crashed in pooling
class Pooling(Honest):
    def named_parameters(self, *_, **__): return iter([("width", torch.tensor(5))])
# --- gradients_of_somebody_else: failed in pooling, the_width_learns=failed
class Pooling(Honest):
    def forward(self, queries, keys, values, similarity):
        answer = super().forward(queries, keys, values, similarity)
        return answer.detach() + 0 * self.width
