"""Both attentions written out under boolean masks, from the positions that the state counts."""

import torch
from multihead.head_reshape import transpose_output, transpose_qkv
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.add_norm import AddNorm
from transformer.positionwise_ffn import PositionWiseFFN


def attend(layer, queries, keys, visible):
    """Multi-head attention with the weights of `layer`; `visible` broadcasts to `(batch, queries, keys)`."""
    q, k, v = (
        transpose_qkv(m(X), layer.num_heads) for m, X in ((layer.W_q, queries), (layer.W_k, keys), (layer.W_v, keys))
    )
    visible = visible.expand(len(queries), queries.shape[1], keys.shape[1]).repeat_interleave(layer.num_heads, dim=0)
    scores = (q @ k.mT * q.shape[-1] ** -0.5).masked_fill(~visible, torch.finfo(q.dtype).min)
    weights = scores.softmax(-1).masked_fill(~visible, 0)
    layer.attention.attention_weights = weights
    return layer.W_o(transpose_output(layer.attention.dropout(weights) @ v, layer.num_heads))


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
        self.attention1, self.attention2 = (
            MultiHeadAttention(key_size, query_size, value_size, num_hiddens, num_heads, dropout) for _ in range(2)
        )
        self.addnorm1, self.addnorm2, self.addnorm3 = (AddNorm(norm_shape, dropout) for _ in range(3))
        self.ffn = PositionWiseFFN(ffn_num_input, ffn_num_hiddens, num_hiddens)

    def forward(self, X, state):
        source, lens, caches, position = state
        caches = dict(enumerate(caches))
        caches[self.i] = torch.cat([X[:, :0] if caches[self.i] is None else caches[self.i], X], dim=1)
        steps = position + torch.arange(X.shape[1], device=X.device)
        earlier = torch.arange(caches[self.i].shape[1], device=X.device) <= steps[:, None]
        X = self.addnorm1(X, attend(self.attention1, X, caches[self.i], earlier))
        real = torch.arange(source.shape[1], device=X.device)
        real = real >= 0 if lens is None else (real < lens[:, None])[:, None]
        X = self.addnorm2(X, attend(self.attention2, X, source, real))
        return self.addnorm3(X, self.ffn(X)), (source, lens, list(caches.values()), position)


class TransformerDecoder(nn.Module):
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
        self.dense = nn.Linear(num_hiddens, vocab_size)
        self.blks = nn.Sequential(*(DecoderBlock(*sizes, dropout, i) for i in range(num_layers)))
        self.embedding = nn.Embedding(vocab_size, num_hiddens)
        self.pos_encoding = PositionalEncoding(num_hiddens, dropout)

    def init_state(self, enc_outputs, enc_valid_lens=None, *args):
        return [enc_outputs, enc_valid_lens, [None] * len(self.blks), 0]

    def forward(self, X, state):
        H = self.pos_encoding(self.embedding(X) * self.dense.in_features**0.5, state[3])
        for block in self.blks:
            H, state = block(H, state)
        return self.dense(H), [*state[:3], state[3] + X.shape[1]]

    @property
    def attention_weights(self):
        own = [block.attention1.attention.attention_weights for block in self.blks]
        return [own, [block.attention2.attention.attention_weights for block in self.blks]]
