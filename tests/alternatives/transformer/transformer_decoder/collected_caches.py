"""A `ModuleList` of blocks that are handed lists of their own; the causal lengths come from a cumulative sum."""

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
        for n in (1, 2):
            attention = MultiHeadAttention(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
            self.add_module(f"attention{n}", attention)
        for n in (1, 2, 3):
            self.add_module(f"addnorm{n}", AddNorm(norm_shape, dropout))
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)
        self.i = i

    def forward(self, X, state):
        enc_outputs, enc_valid_lens = state[:2]
        caches = list(state[2])
        past = 0 if caches[self.i] is None else caches[self.i].shape[1]
        caches[self.i] = X if past == 0 else torch.hstack((caches[self.i], X))
        visible = past + torch.ones(X.shape[:2], dtype=torch.int64, device=X.device).cumsum(1)
        X = self.addnorm1(X, self.attention1(X, caches[self.i], caches[self.i], visible))
        X = self.addnorm2(X, self.attention2(X, enc_outputs, enc_outputs, enc_valid_lens))
        return self.addnorm3(X, self.ffn(X)), [enc_outputs, enc_valid_lens, caches, state[3]]


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
        self.blks = nn.ModuleList(DecoderBlock(*sizes, dropout, i) for i in range(num_layers))
        self.dense = nn.Linear(num_hiddens, vocab_size)
        self._weights = [], []

    def init_state(self, enc_outputs, enc_valid_lens=None, *args):
        return [enc_outputs, enc_valid_lens, [None for _ in self.blks], 0]

    def forward(self, X, state):
        steps = X.shape[1]
        X = self.pos_encoding(self.embedding.embedding_dim**0.5 * self.embedding(X), offset=state[3])
        self._weights = [], []
        for block in self.blks:
            X, state = block(X, state)
            for weights, attention in zip(self._weights, (block.attention1, block.attention2), strict=True):
                weights.append(attention.attention.attention_weights)
        state = list(state)
        state[3] += steps
        return self.dense(X), state

    @property
    def attention_weights(self):
        return self._weights
