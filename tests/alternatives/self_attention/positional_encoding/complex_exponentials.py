"""Each pair is a complex number of length 1, and its powers are the positions."""

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        step = 10 ** (-8 * torch.arange((num_hiddens + 1) // 2, dtype=torch.float64) / num_hiddens)
        angles = torch.outer(torch.arange(max_len, dtype=torch.float64), step)
        hands = torch.polar(torch.ones_like(angles), angles)  # cosine + i sine
        table = torch.view_as_real(hands).flip(-1).reshape(max_len, -1)[:, :num_hiddens]
        self.register_buffer("P", table.to(torch.float32)[None])

    def forward(self, X, offset=0):
        if offset + X.size(1) > self.P.size(1):
            raise ValueError("the sequence is too long")
        return self.dropout(X + self.P.narrow(1, offset, X.size(1)).type_as(X))
