"""Head by head; queries and keys pass the same layer."""

import torch
from scoring.dot_product_attention import DotProductAttention
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__()
        if num_hiddens % num_heads:
            raise ValueError("the heads cannot share out the features")
        self.num_heads = num_heads
        self.attention = DotProductAttention(dropout)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=bias)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=bias)
        self.W_v = nn.Linear(value_size, num_hiddens, bias=bias)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=bias)

    def forward(self, queries, keys, values, valid_lens=None):
        q, k, v = self.W_q(queries), self.W_q(keys), self.W_v(values)
        size = q.shape[-1] // self.num_heads
        outputs, weights = [], []
        for head in range(self.num_heads):
            own = slice(head * size, (head + 1) * size)
            outputs.append(self.attention(q[..., own], k[..., own], v[..., own], valid_lens))
            weights.append(self.attention.attention_weights)
        self.attention.attention_weights = torch.stack(weights, dim=1).flatten(0, 1)
        return self.W_o(torch.cat(outputs, dim=-1))
