"""Costs by a logarithm of a sum, averaged."""

import torch
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.transformer_encoder import EncoderBlock


class DecoderOnlyLM(nn.Module):
    def __init__(self, vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len):
        super().__init__()
        size = num_hiddens
        self.max_len = max_len
        self.embedding = nn.Embedding(vocab_size, size)
        self.pos_encoding = PositionalEncoding(size, dropout, max_len)
        self.blks = nn.Sequential()
        for i in range(num_layers):
            block = EncoderBlock(size, size, size, size, size, size, ffn_num_hiddens, num_heads, dropout)
            self.blks.add_module(str(i), block)
        self.dense = nn.Linear(size, vocab_size)

    def forward(self, X):
        if X.shape[1] > self.max_len:
            raise ValueError("too many tokens")
        reach = torch.ones_like(X).cumsum(1)
        H = self.embedding.weight[X]
        H = self.pos_encoding(H * H.shape[2] ** 0.5)
        for block in self.blks:
            H = block(H, reach)
        return self.dense(H)


def nll(model, X):
    scores = model(X[:, :-1])
    costs = scores.logsumexp(2) - scores.gather(2, X[:, 1:, None])[..., 0]
    return costs.mean()


def generate(model, prefix, num_tokens):
    mode = model.training
    model.eval()
    words = list(prefix.unbind(1))
    try:
        with torch.no_grad():
            while len(words) < prefix.shape[1] + num_tokens:
                words.append(model(torch.stack(words, dim=1))[:, -1].max(dim=1).indices)
    finally:
        model.train(mode)
    return torch.stack(words, dim=1)
