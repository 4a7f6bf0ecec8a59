"""The lengths are for the first block, whose output has no padding any more."""

import math

from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.add_norm import AddNorm
from transformer.positionwise_ffn import PositionWiseFFN


class EncoderBlock(nn.Module):
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
        use_bias=False,
    ):
        super().__init__()
        self.attention = MultiHeadAttention(key_size, query_size, value_size, num_hiddens, num_heads, dropout, use_bias)
        self.addnorm1 = AddNorm(norm_shape, dropout)
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)
        self.addnorm2 = AddNorm(norm_shape, dropout)

    def forward(self, X, valid_lens=None):
        found = self.attention(X, X, X, valid_lens)
        Y = self.addnorm1.ln(X + self.addnorm1.dropout(found))
        thought = self.ffn(Y)
        return self.addnorm2.ln(Y + self.addnorm2.dropout(thought))


class TransformerEncoder(nn.Module):
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
        use_bias=False,
    ):
        super().__init__()
        sizes = [key_size, query_size, value_size, num_hiddens, norm_shape, ffn_num_input, ffn_num_hiddens, num_heads]
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)
        self.blks = nn.Sequential()
        for i in range(num_layers):
            self.blks.add_module(f"block{i}", EncoderBlock(*sizes, dropout, use_bias))
        self.attention_weights = []

    def forward(self, X, valid_lens=None, *args):
        words = nn.functional.embedding(X, self.embedding.weight)
        H = self.pos_encoding(words * math.sqrt(words.shape[-1]))
        weights = []
        for block in self.blks:
            H = block(H, valid_lens)
            valid_lens = None
            weights.append(block.attention.attention.attention_weights)
        self.attention_weights = weights
        return H
