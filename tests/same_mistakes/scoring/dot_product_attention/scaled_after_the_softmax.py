"""The scale is applied to what `masked_softmax` returns."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        weights = masked_softmax(torch.einsum("bid,bjd->bij", queries, keys), valid_lens)
        self.attention_weights = weights * queries.shape[2] ** -0.5
        return torch.einsum("bij,bjv->biv", self.dropout(self.attention_weights), values)
