"""Plain loops and `math`, an embedding lookup, dropout as a function."""

import math

import torch
from torch import nn
from torch.nn import functional


class PositionalEncoding(nn.Module):
    def __init__(self, num_hiddens: int, dropout: float, max_len: int = 1000) -> None:
        super().__init__()
        self.p = dropout
        self.max_len = max_len
        rows = []
        for i in range(max_len):
            row = []
            for column in range(num_hiddens):
                angle = i / math.pow(10000, (column - column % 2) / num_hiddens)
                row.append(math.cos(angle) if column % 2 else math.sin(angle))
            rows.append(row)
        self.P = nn.Buffer(torch.tensor([rows], dtype=torch.float32))

    def forward(self, X, offset=0):
        _, n, _ = X.shape
        last = n + offset - 1
        if last >= self.max_len:
            raise ValueError(f"no encoding for position {last}")
        positions = torch.arange(offset, offset + n, device=X.device)
        encoded = X + functional.embedding(positions, self.P[0]).to(X.dtype).expand_as(X)
        return functional.dropout(encoded, p=self.p, training=self.training)
