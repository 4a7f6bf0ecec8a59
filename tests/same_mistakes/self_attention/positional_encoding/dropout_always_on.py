"""Dropout as a function, which drops unless it is told not to."""

import math

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__()
        self.rate = dropout
        pairs = (num_hiddens + 1) // 2
        speeds = torch.exp(torch.arange(pairs, dtype=torch.float64) * (-2 * math.log(10000) / num_hiddens))
        turns = torch.polar(torch.ones(1, dtype=torch.float64), torch.outer(torch.arange(max_len), speeds))
        table = torch.view_as_real(turns).flip(-1).reshape(1, max_len, 2 * pairs)[:, :, :num_hiddens]
        self.register_buffer("P", table.to(torch.float32))

    def forward(self, X, offset=0):
        rows = torch.arange(offset, offset + X.size(1), device=X.device)
        if offset + X.size(1) > self.P.size(1):
            raise ValueError("this is further than max_len")
        encodings = nn.functional.embedding(rows, self.P[0].to(X))
        return nn.functional.dropout(X + encodings, self.rate)
