"""Lengths from a triangle, the loss from log-softmax over the whole sequence, tokens written into a table."""

import math

import torch
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.transformer_encoder import EncoderBlock


class DecoderOnlyLM(nn.Module):
    def __init__(self, vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len):
        super().__init__()
        self.num_hiddens, self.max_len = num_hiddens, max_len
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout, max_len=max_len)
        self.blks = nn.Sequential()
        for i in range(num_layers):
            block = EncoderBlock(
                num_hiddens, num_hiddens, num_hiddens, num_hiddens, num_hiddens, num_hiddens,
                ffn_num_hiddens, num_heads, dropout, use_bias=False,
            )  # fmt: skip
            self.blks.add_module(f"block{i}", block)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def forward(self, X):
        if X.shape[1] > self.max_len:
            raise ValueError("too many tokens")
        lengths = torch.ones(X.shape[1], X.shape[1], dtype=torch.long).tril().sum(1).repeat(X.shape[0], 1)
        H = self.pos_encoding(math.sqrt(self.num_hiddens) * self.embedding(X))
        for block in self.blks:
            H = block(H, lengths)
        return self.dense(H)


def nll(model, X):
    log_probabilities = torch.log_softmax(model(X), dim=-1)[:, :-1]
    return -log_probabilities.gather(2, X[:, 1:].unsqueeze(-1)).squeeze(-1)


def generate(model, prefix, num_tokens):
    was_training = model.training
    model.eval()
    start = prefix.shape[1]
    found = torch.zeros(prefix.shape[0], start + num_tokens, dtype=prefix.dtype)
    found[:, :start] = prefix
    with torch.no_grad():
        for t in range(start, start + num_tokens):
            found[:, t] = model(found[:, :t])[:, -1].max(dim=-1).indices
    model.train(was_training)
    return found
