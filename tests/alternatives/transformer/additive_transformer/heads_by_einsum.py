"""Heads as an axis of their own; the scorer's matrices are used directly, under a boolean mask."""

import copy

import torch
from given.cost_counter import count_cost
from multihead.multi_head_attention import MultiHeadAttention
from scoring.additive_attention import AdditiveAttention
from torch import nn
from transformer.train_transformer import build_transformer


class AdditiveMultiHeadAttention(nn.Module):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__()
        if num_hiddens % num_heads:
            raise ValueError(f"{num_hiddens} features, {num_heads} heads")
        self.shape = num_heads, num_hiddens // num_heads
        self.attention = AdditiveAttention(*3 * self.shape[1:], dropout)
        for name, size in (("W_q", query_size), ("W_k", key_size), ("W_v", value_size), ("W_o", num_hiddens)):
            setattr(self, name, nn.Linear(size, num_hiddens, bias=False))

    def forward(self, queries, keys, values, valid_lens=None):
        q, k, v = (
            layer(X).unflatten(-1, self.shape)
            for layer, X in ((self.W_q, queries), (self.W_k, keys), (self.W_v, values))
        )
        scorer = self.attention
        q = torch.einsum("bqhd,ed->bhqe", q, scorer.W_q.weight).unsqueeze(3)
        k = torch.einsum("bkhd,ed->bhke", k, scorer.W_k.weight).unsqueeze(2)
        scores = torch.tanh(q + k) @ scorer.w_v.weight[0]  # (batch, heads, queries, keys)
        if valid_lens is None:
            weights = scores.softmax(-1)
        else:
            lengths = valid_lens.reshape(len(queries), 1, -1, 1)
            valid = torch.arange(keys.shape[1], device=keys.device) < lengths
            weights = scores.where(valid, torch.finfo(scores.dtype).min).softmax(-1) * valid
        scorer.attention_weights = weights.flatten(0, 1)
        found = torch.einsum("bhqk,bkhd->bqhd", scorer.dropout(weights), v)
        return self.W_o(found.flatten(2))


def build_additive_transformer(config):
    d, model = config.num_hiddens, build_transformer(config)
    fresh = AdditiveMultiHeadAttention(d, d, d, d, config.num_heads, config.dropout)
    for module in list(model.modules()):
        for name, part in module.named_children():
            if isinstance(part, MultiHeadAttention):
                module.register_module(name, copy.deepcopy(fresh))
    return model


def cost_table(ns):
    layers = [kind(32, 32, 32, 32, 4, 0.0).eval() for kind in (AdditiveMultiHeadAttention, MultiHeadAttention)]

    def row(n):
        a, d = (count_cost(layer, *[torch.randn(1, n, 32)] * 3, None) for layer in layers)
        flops = {"additive_flops": a.flops, "dot_flops": d.flops}
        largest = {"additive_largest": a.largest, "dot_largest": d.largest}
        return {"n": n} | flops | largest | {"ratio": a.largest / d.largest}

    return [row(n) for n in ns]
