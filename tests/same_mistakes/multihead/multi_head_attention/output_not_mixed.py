"""A loop over the heads whose outputs are laid side by side, and that is all."""

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
        parts = [layer(X).chunk(self.num_heads, dim=2) for layer, X in self.inputs(queries, keys, values)]
        outputs, weights = [], []
        for q, k, v in zip(*parts, strict=True):
            outputs.append(self.attention(q, k, v, valid_lens))
            weights.append(self.attention.attention_weights)
        self.attention.attention_weights = torch.stack(weights, dim=1).flatten(0, 1)
        return torch.cat(outputs, dim=2)

    def inputs(self, queries, keys, values):
        return (self.W_q, queries), (self.W_k, keys), (self.W_v, values)
