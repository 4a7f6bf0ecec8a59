"""A score for each query and one for each key, added, and bent in the end."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__()
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        asked = self.w_v(self.W_q(queries))
        offered = self.w_v(self.W_k(keys)).permute(0, 2, 1)
        self.attention_weights = masked_softmax((asked + offered).tanh(), valid_lens)
        return torch.matmul(self.dropout(self.attention_weights), values)
