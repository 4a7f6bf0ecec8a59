"""Keys are divided by their norms, by hand."""

import math

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class BilinearAttention(nn.Module):
    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.W = nn.Linear(query_size, key_size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        lengths = torch.linalg.vector_norm(keys, dim=2, keepdim=True).clamp(min=1e-12)
        units = keys / lengths
        asked = self.W(queries) / math.sqrt(units.shape[2])
        self.attention_weights = masked_softmax(torch.einsum("bqd,bkd->bqk", asked, units), valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
