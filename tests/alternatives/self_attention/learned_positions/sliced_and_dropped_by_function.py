"""`torch.empty` filled in place, `narrow` for the rows, dropout as a function."""

import torch
from torch import nn


class LearnedPositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__()
        self.P = nn.Parameter(torch.empty(1, max_len, num_hiddens))
        nn.init.normal_(self.P, mean=0.0, std=0.02)
        self.p = dropout
        self.max_len = max_len

    def forward(self, X, offset=0):
        positions = X.size(1)
        if positions + offset > self.max_len:
            message = f"{positions} positions from {offset} on do not fit into {self.max_len}"
            raise ValueError(message)
        encoded = torch.add(X, self.P.narrow(1, offset, positions).to(dtype=X.dtype))
        return nn.functional.dropout(encoded, p=self.p, training=self.training)
