"""Patches by slicing in two loops, the class token's position added on its own, blocks spelled out in `forward`."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn
from transformer.positionwise_ffn import PositionWiseFFN


class PatchEmbedding(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        super().__init__()
        self.side, rest = divmod(img_size, patch_size)
        if rest:
            raise ValueError("the patches do not cover the image")
        self.num_patches = self.side * self.side
        self.patch_size = patch_size
        self.projection = nn.Linear(in_channels * patch_size * patch_size, num_hiddens)

    def forward(self, X):
        weight = self.projection.weight.reshape(-1, X.shape[1], self.patch_size, self.patch_size)
        found = []
        for top in range(0, X.shape[2], self.patch_size):
            for left in range(0, X.shape[3], self.patch_size):
                square = X[:, :, top : top + self.patch_size, left : left + self.patch_size]
                found.append(torch.einsum("bcij,dcij->bd", square, weight) + self.projection.bias)
        return torch.stack(found, dim=1)


class ViT(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout):
        super().__init__()
        self.patch_embedding = PatchEmbedding(img_size, patch_size, num_hiddens)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, num_hiddens))
        self.pos_embedding = nn.Parameter(torch.empty(1, self.patch_embedding.num_patches + 1, num_hiddens))
        nn.init.trunc_normal_(self.pos_embedding, std=0.02)
        self.blks = nn.ModuleList()
        for _ in range(num_layers):
            block = nn.Module()
            block.ln1 = nn.LayerNorm(num_hiddens)
            block.ln2 = nn.LayerNorm(num_hiddens)
            block.attention = MultiHeadAttention(
                num_hiddens, num_hiddens, num_hiddens, num_hiddens, num_heads, dropout, False
            )
            block.ffn = PositionWiseFFN(num_hiddens, ffn_num_hiddens, num_hiddens)
            self.blks.append(block)
        self.norm = nn.LayerNorm(num_hiddens)
        self.head = nn.Linear(num_hiddens, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, X):
        cls = (self.cls_token + self.pos_embedding[:, :1]).repeat(X.shape[0], 1, 1)
        patches = self.patch_embedding(X) + self.pos_embedding[:, 1:]
        tokens = self.dropout(torch.cat((cls, patches), dim=1))
        for block in self.blks:
            normed = block.ln1(tokens)
            tokens = tokens + self.dropout(block.attention(normed, normed, normed, None))
            tokens = tokens + self.dropout(block.ffn(block.ln2(tokens)))
        return self.head(self.norm(tokens)[:, 0])
