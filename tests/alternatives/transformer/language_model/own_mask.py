"""Step by step: one sequence at a time through blocks of its own making, tokens collected in lists."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.add_norm import AddNorm
from transformer.positionwise_ffn import PositionWiseFFN


class CausalBlock(nn.Module):
    def __init__(self, size, ffn_size, num_heads, dropout):
        super().__init__()
        self.attention = MultiHeadAttention(size, size, size, size, num_heads, dropout)
        self.addnorm1 = AddNorm([size], dropout)
        self.ffn = PositionWiseFFN(size, ffn_size, size)
        self.addnorm2 = AddNorm([size], dropout)

    def forward(self, X):
        found = [self.attention(X[:, t : t + 1], X[:, : t + 1], X[:, : t + 1]) for t in range(X.shape[1])]
        Y = self.addnorm1(X, torch.cat(found, dim=1))
        return self.addnorm2(Y, self.ffn(Y))


class DecoderOnlyLM(nn.Module):
    def __init__(self, vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout, max_len)
        self.blks = nn.Sequential(
            *(CausalBlock(num_hiddens, ffn_num_hiddens, num_heads, dropout) for _ in range(num_layers))
        )
        self.dense = nn.Linear(num_hiddens, vocab_size)
        self.scale = num_hiddens**0.5
        self.max_len = max_len

    def forward(self, X):
        if X.size(1) > self.max_len:
            raise ValueError(f"{X.size(1)} tokens are more than {self.max_len}")
        return self.dense(self.blks(self.pos_encoding(self.embedding(X) * self.scale)))


def nll(model, X):
    logits = model(X[:, :-1])
    costs = nn.functional.cross_entropy(logits.flatten(0, 1), X[:, 1:].flatten(), reduction="none")
    return costs.view(X.shape[0], -1)


@torch.inference_mode()
def generate(model, prefix, num_tokens):
    mode, rows = model.training, []
    model.eval()
    for row in prefix.tolist():
        for _ in range(num_tokens):
            row.append(int(model(torch.tensor([row]))[0, -1].argmax()))
        rows.append(row)
    model.train(mode)
    return torch.tensor(rows)
