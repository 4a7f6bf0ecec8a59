"""Blocks in a loop, and the last token at the end."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn
from transformer.positionwise_ffn import PositionWiseFFN


class PatchEmbedding(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        super().__init__()
        self.side, left = divmod(img_size, patch_size)
        if left:
            raise ValueError("squares do not cover the image")
        self.patch_size = patch_size
        self.num_patches = self.side * self.side
        self.projection = nn.Linear(patch_size * patch_size * in_channels, num_hiddens)

    def forward(self, X):
        p = self.patch_size
        squares = []
        for row in range(0, self.side * p, p):
            for column in range(0, self.side * p, p):
                squares.append(X[:, :, row : row + p, column : column + p].flatten(1))
        return self.projection(torch.stack(squares, dim=1))


class Block(nn.Module):
    def __init__(self, num_hiddens, ffn_num_hiddens, num_heads, dropout):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(num_hiddens), nn.LayerNorm(num_hiddens)
        self.attention = MultiHeadAttention(*4 * [num_hiddens], num_heads, dropout)
        self.ffn = PositionWiseFFN(num_hiddens, ffn_num_hiddens, num_hiddens)
        self.dropout = nn.Dropout(dropout)

    def forward(self, X):
        normed = self.ln1(X)
        X = X + self.dropout(self.attention(normed, normed, normed))
        return X + self.dropout(self.ffn(self.ln2(X)))


class ViT(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout):
        super().__init__()
        self.patch_embedding = PatchEmbedding(img_size, patch_size, num_hiddens)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, num_hiddens))
        self.pos_embedding = nn.Parameter(torch.randn(1, self.patch_embedding.num_patches + 1, num_hiddens) / 50)
        self.dropout = nn.Dropout(dropout)
        self.blks = nn.ModuleList([Block(num_hiddens, ffn_num_hiddens, num_heads, dropout) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(num_hiddens)
        self.head = nn.Linear(num_hiddens, num_classes)

    def forward(self, X):
        patches = self.patch_embedding(X)
        first = self.cls_token.expand(patches.shape[0], 1, patches.shape[2])
        tokens = self.dropout(torch.hstack([first, patches]) + self.pos_embedding)
        for block in self.blks:
            tokens = block(tokens)
        return self.head(self.norm(tokens[:, self.patch_embedding.num_patches]))
