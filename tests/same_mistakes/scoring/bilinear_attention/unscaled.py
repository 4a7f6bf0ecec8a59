"""The keys are translated by the transposed matrix instead, and nothing is divided."""

import torch
from scoring.masked_softmax import masked_softmax
from torch import nn


class BilinearAttention(nn.Module):
    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.W = nn.Linear(query_size, key_size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        translated = torch.matmul(keys, self.W.weight)
        scores = torch.matmul(queries, translated.transpose(-1, -2))
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.matmul(self.dropout(self.attention_weights), values)
