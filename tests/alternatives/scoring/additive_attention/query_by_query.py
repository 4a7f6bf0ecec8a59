"""One query at a time, on a linear map written out, and dropout as a function."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class _Matrix(nn.Module):
    def __init__(self, size_in, size_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size_out, size_in) / size_in**0.5)

    def forward(self, X):
        return X @ self.weight.T


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__()
        self.W_k, self.W_q = _Matrix(key_size, num_hiddens), _Matrix(query_size, num_hiddens)
        self.w_v = _Matrix(num_hiddens, 1)
        self.p = dropout

    def forward(self, queries, keys, values, valid_lens=None):
        projected = self.W_k(keys)
        rows = [self.w_v(torch.tanh(projected + self.W_q(query))) for query in queries.split(1, dim=1)]
        scores = torch.cat(rows, dim=2).transpose(1, 2)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(nn.functional.dropout(self.attention_weights, self.p, self.training), values)
