"""The matrix multiplied to the keys, a boolean mask of its own, the scale taken out of the queries."""

import torch
from torch import nn


class BilinearAttention(nn.Module):
    def __init__(self, query_size, key_size, dropout):
        super().__init__()
        self.key_size = key_size
        self.rate = dropout
        self.W = nn.Linear(query_size, key_size, bias=False)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.bmm(queries / self.key_size**0.5, (keys @ self.W.weight).mT)
        if valid_lens is not None:
            lengths = valid_lens[:, None] if valid_lens.dim() == 1 else valid_lens
            mask = torch.arange(keys.shape[1], device=keys.device)[None, None] < lengths[:, :, None]
            scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
            self.attention_weights = torch.where(mask, nn.functional.softmax(scores, dim=2), torch.zeros_like(scores))
        else:
            self.attention_weights = nn.functional.softmax(scores, dim=2)
        return torch.bmm(nn.functional.dropout(self.attention_weights, self.rate, self.training), values)
