"""Blocks in a `ModuleList`, the residual stream changed step by step, the weights collected on the way."""

import torch
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
        self.attention = MultiHeadAttention(
            key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=use_bias
        )
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)
        self.addnorm1, self.addnorm2 = (AddNorm(norm_shape, dropout) for _ in range(2))

    def forward(self, X, valid_lens=None):
        stream = X
        stream = self.addnorm1(stream, self.attention(stream, stream, stream, valid_lens))
        return self.addnorm2(stream, self.ffn(stream))


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
        self.register_buffer("scale", torch.tensor(float(num_hiddens)).sqrt(), persistent=False)
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)
        self.blks = nn.ModuleList()
        while len(self.blks) < num_layers:
            self.blks.append(
                EncoderBlock(
                    key_size,
                    query_size,
                    value_size,
                    num_hiddens,
                    norm_shape,
                    ffn_num_input,
                    ffn_num_hiddens,
                    num_heads,
                    dropout,
                    use_bias,
                )
            )

    def forward(self, X, valid_lens=None, *args):
        X = self.pos_encoding(self.scale * self.embedding(X))
        self.attention_weights = []
        for block in self.blks:
            X = block(X, valid_lens)
            self.attention_weights += [block.attention.attention.attention_weights]
        return X
