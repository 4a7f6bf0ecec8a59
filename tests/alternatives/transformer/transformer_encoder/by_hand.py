"""The norms and the network applied by hand from the parts' weights, and the weights read through a property."""

from functools import reduce

from given.seq2seq import Encoder
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from torch.nn import functional
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
        self.add_module("addnorm1", AddNorm(norm_shape, dropout))
        self.add_module("addnorm2", AddNorm(norm_shape, dropout))
        self.add_module("ffn", PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens))
        sizes = {"key_size": key_size, "query_size": query_size, "value_size": value_size}
        self.attention = MultiHeadAttention(
            num_hiddens=num_hiddens, num_heads=num_heads, dropout=dropout, bias=use_bias, **sizes
        )

    def forward(self, X, valid_lens=None):
        first, second = self.addnorm1, self.addnorm2
        X = first.ln(first.dropout(self.attention(X, X, X, valid_lens)) + X)
        hidden = functional.linear(X, self.ffn.dense1.weight, self.ffn.dense1.bias).clamp(min=0)
        return second.ln(second.dropout(functional.linear(hidden, *self.ffn.dense2.parameters())) + X)


class TransformerEncoder(Encoder):
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
        sizes = key_size, query_size, value_size, num_hiddens, norm_shape, ffn_num_input, ffn_num_hiddens
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)
        self.blks = nn.Sequential()
        for i in range(num_layers):
            self.blks.add_module(f"block{i}", EncoderBlock(*sizes, num_heads, dropout, use_bias))

    @property
    def attention_weights(self):
        return tuple(block.attention.attention.attention_weights for block in self.blks)

    def forward(self, X, valid_lens=None, *args):
        table = self.embedding.weight * self.embedding.embedding_dim**0.5
        return reduce(lambda H, block: block(H, valid_lens), self.blks, self.pos_encoding(table[X]))
