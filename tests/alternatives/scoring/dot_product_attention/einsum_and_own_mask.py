"""Einsum for both products, queries scaled first, an additive mask of its own."""

import torch
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bqd,bkd->bqk", queries * queries.size(-1) ** -0.5, keys)
        if valid_lens is not None:
            lengths = valid_lens if valid_lens.dim() == 2 else valid_lens.unsqueeze(1)
            valid = torch.arange(scores.size(-1), device=scores.device) < lengths.unsqueeze(-1)
            valid = valid.expand_as(scores)
            scores = scores + (~valid).to(scores.dtype) * torch.finfo(scores.dtype).min
            self.attention_weights = torch.where(valid, scores.softmax(-1), scores.new_zeros(()))
        else:
            self.attention_weights = scores.softmax(-1)
        return torch.einsum("bqk,bkv->bqv", self.dropout(self.attention_weights), values)
