"""Positions are looked up like words, example by example."""

import torch
from torch import nn
from torch.nn.functional import embedding


class LearnedPositionalEncoding(nn.Module):
    def __init__(self, num_hiddens: int, dropout: float, max_len: int = 64):
        super().__init__()
        self.P = nn.Parameter(torch.normal(0.0, 0.02, size=(max_len, num_hiddens))[None])
        self.drop = nn.Dropout(dropout)

    def forward(self, X, offset=0):
        batch, steps, _ = X.shape
        places = torch.arange(offset, offset + steps, device=X.device).repeat(batch, 1)
        if places.numel() and int(places[0, -1]) >= self.P.shape[1]:
            raise ValueError
        return self.drop(X + embedding(places, self.P[0]).type_as(X))
