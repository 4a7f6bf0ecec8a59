"""One einsum with the learned matrix in the middle; the scale comes from the first argument."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class BilinearAttention(nn.Module):
    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.W = nn.Linear(query_size, key_size, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.scale = query_size**-0.5

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bqi,oi,bko->bqk", queries, self.W.weight, keys)
        self.attention_weights = masked_softmax(self.scale * scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
