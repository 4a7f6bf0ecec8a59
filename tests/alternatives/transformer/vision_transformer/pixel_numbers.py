"""Patches picked by a table of pixel numbers; a block that names its parts as the encoder does; functional dropout."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn
from torch.nn import functional
from transformer.positionwise_ffn import PositionWiseFFN


class PatchEmbedding(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        if img_size % patch_size != 0:
            raise ValueError(f"{patch_size} does not divide {img_size}")
        super().__init__()
        numbers = torch.arange(in_channels * img_size**2).reshape(in_channels, img_size, img_size)
        strips = torch.stack(numbers.split(patch_size, dim=1))  # (rows, channels, size, width)
        squares = torch.stack(strips.split(patch_size, dim=3), dim=1)  # (rows, columns, channels, size, size)
        self.register_buffer("pixels", squares.reshape((img_size // patch_size) ** 2, -1), persistent=False)
        self.num_patches = len(self.pixels)
        self.projection = nn.Linear(self.pixels.shape[1], num_hiddens)

    def forward(self, X):
        return self.projection(X.reshape(X.shape[0], -1)[:, self.pixels])


class Block(nn.Module):
    def __init__(self, num_hiddens, ffn_num_hiddens, num_heads, dropout):
        super().__init__()
        self.rate = dropout
        self.attention = MultiHeadAttention(*[num_hiddens] * 4, num_heads, dropout)
        self.ffn = PositionWiseFFN(num_hiddens, ffn_num_hiddens, num_hiddens)
        self.ln1, self.ln2 = nn.LayerNorm(num_hiddens), nn.LayerNorm(num_hiddens)

    def drop(self, X):
        return functional.dropout(X, self.rate, self.training)

    def forward(self, X):
        queries = self.ln1(X)
        middle = self.drop(self.attention(queries, queries, queries)) + X
        return self.drop(self.ffn(self.ln2(middle))) + middle


class ViT(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout):
        super().__init__()
        self.rate = dropout
        self.patch_embedding = PatchEmbedding(img_size, patch_size, num_hiddens)
        count = self.patch_embedding.num_patches
        self.cls_token = nn.Parameter(torch.randn(1, 1, num_hiddens))
        self.pos_embedding = nn.Parameter(torch.zeros(1, 1 + count, num_hiddens))
        self.blks = nn.Sequential()
        for i in range(num_layers):
            self.blks.add_module(f"block{i}", Block(num_hiddens, ffn_num_hiddens, num_heads, dropout))
        self.norm = nn.LayerNorm(num_hiddens)
        self.head = nn.Linear(num_hiddens, num_classes)

    def forward(self, X):
        patches = self.patch_embedding(X)
        tokens = patches.new_empty(patches.shape[0], patches.shape[1] + 1, patches.shape[2])
        tokens[:, 0] = self.cls_token[0]
        tokens[:, 1:] = patches
        tokens = functional.dropout(tokens + self.pos_embedding, self.rate, self.training)
        cls, _ = self.blks(tokens).split([1, patches.shape[1]], dim=1)
        return self.head(self.norm(cls)).squeeze(1)
