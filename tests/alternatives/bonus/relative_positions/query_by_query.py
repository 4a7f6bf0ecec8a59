"""One query at a time, with a slice of the table that is made as long as the keys; own masks."""

import math

import torch
from torch import nn


class RelativeAttention(nn.Module):
    def __init__(self, d: int, clip: int) -> None:
        super().__init__()
        self.clip = clip
        self.offsets = nn.Embedding(2 * clip + 1, d)

    def forward(self, queries, keys, values, valid_lens=None):
        batch, count, d = keys.shape
        rows = []
        for i in range(queries.shape[1]):
            numbers = [min(max(j - i, -self.clip), self.clip) + self.clip for j in range(count)]
            seen = keys + self.offsets.weight[numbers]
            scores = (seen @ queries[:, i, :, None]).squeeze(-1) / math.sqrt(d)
            if valid_lens is None:
                rows.append(scores.softmax(-1))
                continue
            lengths = valid_lens if valid_lens.ndim == 1 else valid_lens[:, i]
            valid = torch.arange(count, device=keys.device) < lengths.reshape(batch, 1)
            lowest = torch.finfo(scores.dtype).min
            rows.append(torch.where(valid, scores, lowest).softmax(-1) * valid)
        self.attention_weights = torch.stack(rows, dim=1)
        return self.attention_weights @ values
