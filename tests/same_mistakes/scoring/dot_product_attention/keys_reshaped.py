"""`view` for a transpose."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        batch, count, size = keys.shape
        turned = keys.contiguous().view(batch, size, count)
        scores = torch.einsum("bqd,bdk->bqk", queries, turned) / torch.tensor(float(size)).sqrt().item()
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
