"""A cosine is a sine a quarter of a turn ahead; angles by `exp` and `log` in float32; sliced assignment avoided."""

import math

import torch
from torch import nn


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        column = torch.arange(num_hiddens)
        speed = torch.exp(-math.log(10000.0) / num_hiddens * (column - column % 2))
        phase = (column % 2) * (math.pi / 2)
        angles = torch.einsum("i,c->ic", torch.arange(max_len).float(), speed)
        self.register_buffer("P", torch.sin(angles + phase).unsqueeze(0))

    def forward(self, X, offset=0):
        n = X.shape[1]
        encodings = self.P[:, offset : offset + n]
        if encodings.shape[1] < n:
            raise ValueError("not enough positions")
        return self.dropout(torch.add(X, encodings.to(dtype=X.dtype, device=X.device)))
