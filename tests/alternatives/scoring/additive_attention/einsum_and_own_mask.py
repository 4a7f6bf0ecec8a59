"""Matrices by einsum, the padding as a boolean mask of its own."""

import torch
from torch import nn


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__()
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        q = torch.einsum("bqi,hi->bqh", queries, self.W_q.weight)
        k = torch.einsum("bki,hi->bkh", keys, self.W_k.weight)
        features = (q.unsqueeze(2) + k.unsqueeze(1)).tanh()
        scores = torch.einsum("bqkh,h->bqk", features, self.w_v.weight[0])
        if valid_lens is not None:
            lengths = valid_lens[:, None, None] if valid_lens.dim() == 1 else valid_lens[:, :, None]
            padded = torch.arange(scores.shape[-1], device=scores.device) >= lengths
            scores = scores.masked_fill(padded, float("-inf"))
        self.attention_weights = torch.nan_to_num(scores.softmax(-1), nan=0.0)
        return torch.einsum("bqk,bkv->bqv", self.dropout(self.attention_weights), values)
