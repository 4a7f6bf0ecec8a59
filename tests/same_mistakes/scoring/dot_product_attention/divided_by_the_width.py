"""Each query is divided by its own size before it meets the keys, one query after another."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        small = queries / queries.size(2)
        rows = [(small[:, i : i + 1] * keys).sum(dim=2) for i in range(small.size(1))]
        self.attention_weights = masked_softmax(torch.stack(rows, dim=1), valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
