"""Column by column; the sum has the wider dtype."""

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        P = torch.zeros(1, max_len, num_hiddens, dtype=torch.float64)
        for column in range(num_hiddens):
            speed = 1 / 10000 ** (column // 2 * 2 / num_hiddens)
            angle = torch.arange(max_len, dtype=torch.float64) * speed
            P[0, :, column] = angle.sin() if column % 2 == 0 else angle.cos()
        self.register_buffer("P", P.float())

    def forward(self, X, offset=0):
        last = offset + X.shape[1]
        if last > self.P.shape[1]:
            raise ValueError(f"there are only {self.P.shape[1]} positions, not {last}")
        return self.dropout(X + self.P[:, offset:last].to(X.device))
