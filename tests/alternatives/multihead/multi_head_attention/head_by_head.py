"""A loop over the heads, each with its slices of the four matrices."""

import torch
from scoring.dot_product_attention import DotProductAttention
from torch import nn
from torch.nn import functional


class MultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__()
        if num_hiddens % num_heads != 0:
            raise ValueError("the heads cannot share out the features")
        self.num_heads = num_heads
        self.W_q = nn.Linear(query_size, num_hiddens, bias)
        self.W_k = nn.Linear(key_size, num_hiddens, bias)
        self.W_v = nn.Linear(value_size, num_hiddens, bias)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias)
        self.attention = DotProductAttention(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        size = self.W_o.in_features // self.num_heads
        output, weights = 0, []
        for start in range(0, self.W_o.in_features, size):
            rows = slice(start, start + size)
            q, k, v = (
                functional.linear(X, layer.weight[rows], None if layer.bias is None else layer.bias[rows])
                for layer, X in ((self.W_q, queries), (self.W_k, keys), (self.W_v, values))
            )
            output = output + self.attention(q, k, v, valid_lens) @ self.W_o.weight[:, rows].T
            weights.append(self.attention.attention_weights)
        self.attention.attention_weights = torch.stack(weights, 1).flatten(0, 1)
        return output if self.W_o.bias is None else output + self.W_o.bias
