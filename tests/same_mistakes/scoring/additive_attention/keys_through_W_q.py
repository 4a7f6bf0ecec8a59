"""`linear` with the matrices by hand, and the same matrix twice."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn
from torch.nn.functional import linear


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__()
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        q, k = (linear(X, self.W_q.weight) for X in (queries, keys))
        hidden = torch.tanh(q[:, :, None, :] + k[:, None, :, :])
        scores = (hidden * self.w_v.weight.reshape(-1)).sum(-1)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
