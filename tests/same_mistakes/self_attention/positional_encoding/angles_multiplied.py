"""Even and odd columns by slices, in float32, with a product for the quotient."""

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        P = torch.zeros(1, max_len, num_hiddens, dtype=torch.float32)
        power = torch.pow(10000, torch.arange(0, num_hiddens, 2, dtype=torch.float32) / num_hiddens)
        angle = torch.arange(max_len, dtype=torch.float32).reshape(-1, 1) * power
        P[0, :, 0::2] = torch.sin(angle)
        P[0, :, 1::2] = torch.cos(angle[:, : num_hiddens // 2])
        self.register_buffer("P", P.float())

    def forward(self, X, offset=0):
        last = offset + X.shape[1]
        if last > self.P.shape[1]:
            raise ValueError(f"there are only {self.P.shape[1]} positions, not {last}")
        return self.dropout(X + self.P[:, offset:last].to(X))
