"""The parts of `AddNorm` one by one; lengths are counted from 0."""

import torch
from given.seq2seq import AttentionDecoder
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.add_norm import AddNorm
from transformer.positionwise_ffn import PositionWiseFFN


class DecoderBlock(nn.Module):
    def __init__(
        self,
        key_size,
        query_size,
        value_size,
        num_hiddens,
        norm_shape,
        ffn_num_input,
        ffn_num_hiddens,
        num_heads,
        dropout,
        i,
    ):
        super().__init__()
        self.i = i
        self.attention1 = MultiHeadAttention(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
        self.addnorm1 = AddNorm(norm_shape, dropout)
        self.attention2 = MultiHeadAttention(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
        self.addnorm2 = AddNorm(norm_shape, dropout)
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)
        self.addnorm3 = AddNorm(norm_shape, dropout)

    def forward(self, X, state):
        enc_outputs, enc_valid_lens, caches, words = state
        caches = list(caches)
        old = 0
        if caches[self.i] is None:
            caches[self.i] = X
        else:
            old = caches[self.i].shape[1]
            caches[self.i] = torch.hstack((caches[self.i], X))
        lens = torch.arange(old, old + X.shape[1], device=X.device).repeat(X.shape[0], 1)
        Y = self.addnorm1.ln(X + self.addnorm1.dropout(self.attention1(X, caches[self.i], caches[self.i], lens)))
        found = self.attention2(Y, enc_outputs, enc_outputs, enc_valid_lens)
        Z = self.addnorm2.ln(Y + self.addnorm2.dropout(found))
        return self.addnorm3.ln(Z + self.addnorm3.dropout(self.ffn(Z))), [enc_outputs, enc_valid_lens, caches, words]


class TransformerDecoder(AttentionDecoder):
    def __init__(
        self,
        vocab_size,
        key_size,
        query_size,
        value_size,
        num_hiddens,
        norm_shape,
        ffn_num_input,
        ffn_num_hiddens,
        num_heads,
        num_layers,
        dropout,
    ):
        super().__init__()
        sizes = key_size, query_size, value_size, num_hiddens, norm_shape, ffn_num_input, ffn_num_hiddens, num_heads
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)
        self.blks = nn.Sequential()
        for i in range(num_layers):
            self.blks.add_module(f"block{i}", DecoderBlock(*sizes, dropout, i))
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(self, enc_outputs, enc_valid_lens=None, *args):
        return [enc_outputs, enc_valid_lens, [None for _ in self.blks], 0]

    def forward(self, X, state):
        start = state[3]
        words = self.embedding(X)
        H = self.pos_encoding(words * words.shape[2] ** 0.5, start)
        self.own, self.source = [], []
        for block in self.blks:
            H, state = block(H, state)
            self.own.append(block.attention1.attention.attention_weights)
            self.source.append(block.attention2.attention.attention_weights)
        return self.dense(H), [*state[:3], start + X.shape[1]]

    @property
    def attention_weights(self):
        return [self.own, self.source]
