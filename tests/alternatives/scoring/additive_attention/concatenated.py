"""Each pair concatenated and multiplied by both matrices side by side; weights normalised example by example."""

import torch
from torch import nn


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__()
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        batch, num_queries, _ = queries.shape
        num_keys = keys.size(1)
        pairs = torch.cat(
            [
                queries[:, :, None].expand(batch, num_queries, num_keys, -1),
                keys[:, None].expand(batch, num_queries, num_keys, -1),
            ],
            dim=-1,
        )
        both = torch.cat([self.W_q.weight, self.W_k.weight], dim=1)
        scores = nn.functional.linear(nn.functional.linear(pairs, both).tanh(), self.w_v.weight)[..., 0]
        self.attention_weights = scores.softmax(-1) if valid_lens is None else self._masked(scores, valid_lens)
        return self.dropout(self.attention_weights).matmul(values)

    @staticmethod
    def _masked(scores, valid_lens):
        examples = []
        for rows, lengths in zip(scores, valid_lens, strict=True):
            counts = lengths.expand(len(rows)).tolist()
            weights = [
                nn.functional.pad(row[:n].softmax(0), (0, len(row) - n)) for row, n in zip(rows, counts, strict=True)
            ]
            examples.append(torch.stack(weights))
        return torch.stack(examples)
