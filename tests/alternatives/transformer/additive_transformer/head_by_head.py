"""A loop over the heads, each handed to the scorer alone with its slices of the four matrices."""

import torch
from given.cost_counter import count_cost
from multihead.multi_head_attention import MultiHeadAttention
from scoring.additive_attention import AdditiveAttention
from torch import nn
from transformer.train_transformer import build_transformer


class AdditiveMultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__()
        self.num_heads, self.size = num_heads, num_hiddens // num_heads
        if self.size * num_heads != num_hiddens:
            raise ValueError("the heads cannot share out the features")
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.W_v = nn.Linear(value_size, num_hiddens, bias=False)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=False)
        self.attention = AdditiveAttention(self.size, self.size, self.size, dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        split = [X.split(self.size, dim=-1) for X in (self.W_q(queries), self.W_k(keys), self.W_v(values))]
        found, weights = [], []
        for q, k, v in zip(*split, strict=True):
            found.append(self.attention(q, k, v, valid_lens))
            weights.append(self.attention.attention_weights)
        self.attention.attention_weights = torch.stack(weights, dim=1).flatten(0, 1)
        return self.W_o(torch.cat(found, dim=-1))


def build_additive_transformer(config):
    def attention():
        return AdditiveMultiHeadAttention(*[config.num_hiddens] * 4, config.num_heads, config.dropout)

    model = build_transformer(config)
    for block in model.encoder.blks:
        block.attention = attention()
    for block in model.decoder.blks:
        block.attention1, block.attention2 = attention(), attention()
    return model


@torch.no_grad()
def cost_table(ns):
    kinds = {"additive": AdditiveMultiHeadAttention, "dot": MultiHeadAttention}
    table = []
    for n in ns:
        X, row = torch.ones(1, n, 32), {"n": n}
        for kind, layer in kinds.items():
            row[f"{kind}_flops"], row[f"{kind}_largest"] = count_cost(layer(32, 32, 32, 32, 4, 0), X, X, X)
        row["ratio"] = row["additive_largest"] / row["dot_largest"]
        table.append(row)
    return table
