"""Example by example and query by query, softmax over the valid slice only, dropout as a function."""

import math

import torch
from torch import nn


class DotProductAttention(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.p = dropout

    def forward(self, queries, keys, values, valid_lens=None):
        num_keys = keys.shape[1]
        weights = []
        for b in range(len(queries)):
            rows = []
            for i, query in enumerate(queries[b]):
                n = num_keys if valid_lens is None else int(valid_lens[b] if valid_lens.ndim == 1 else valid_lens[b, i])
                row = torch.softmax(keys[b, :n] @ query / math.sqrt(len(query)), dim=0)
                rows.append(torch.cat([row, row.new_zeros(num_keys - n)]))
            weights.append(torch.stack(rows))
        self.attention_weights = torch.stack(weights)
        return torch.bmm(nn.functional.dropout(self.attention_weights, self.p, training=self.training), values)
