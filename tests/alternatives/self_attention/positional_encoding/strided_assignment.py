"""The usual way: a table of zeros, sines into the even columns, cosines into the odd ones."""

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__()
        self.dropout = nn.Dropout(dropout, inplace=True)
        table = torch.zeros((1, max_len, num_hiddens))
        angles = torch.arange(max_len, dtype=torch.float32).reshape(-1, 1) / torch.pow(
            10000, torch.arange(0, num_hiddens, 2, dtype=torch.float32) / num_hiddens
        )
        table[:, :, 0::2] = torch.sin(angles)
        table[:, :, 1::2] = torch.cos(angles[:, : num_hiddens // 2])
        self.register_buffer("P", table)

    def forward(self, X, offset=0):
        stop = offset + X.shape[1]
        if stop > self.P.shape[1]:
            raise ValueError(f"{stop} > max_len")
        encodings = self.P[:, offset:stop].to(X.device)
        return self.dropout((X + encodings).to(X.dtype))
