"""Cut the image into squares and read them like words: nothing else of a transformer has to change.

A token that belongs to no square is read along with them, and gathers what the answer needs.
"""

from __future__ import annotations

from jaxtyping import Float
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor, cat, empty, nn, unflatten, zeros
from transformer.positionwise_ffn import PositionWiseFFN


class PatchEmbedding(nn.Module):
    """A vector for each square of an image; Dosovitskiy et al., 2021, section 3.1."""

    def __init__(self, img_size: int, patch_size: int, num_hiddens: int, in_channels: int = 1) -> None:
        super().__init__()
        if img_size % patch_size:
            raise ValueError(f"an image of {img_size} x {img_size} cannot be cut into squares of {patch_size}")
        self.patch_size = patch_size
        self.num_patches = (img_size // patch_size) ** 2
        self.projection = nn.Linear(in_channels * patch_size**2, num_hiddens)

    def forward(self, X: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch patches num_hiddens"]:
        """Row by row, each patch as its pixels (channel by channel, row by row), projected."""
        size = self.patch_size
        cut = unflatten(unflatten(X, 3, (-1, size)), 2, (-1, size))  # (batch, channels, rows, size, columns, size)
        patches = cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)  # (batch, patches, pixels)
        output: Tensor = self.projection(patches)
        return output


class PreNormBlock(nn.Module):
    """An encoder block whose norms stand before attention and network, so that the residual way stays free."""

    def __init__(self, num_hiddens: int, ffn_num_hiddens: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(num_hiddens)
        self.attention = MultiHeadAttention(num_hiddens, num_hiddens, num_hiddens, num_hiddens, num_heads, dropout)
        self.ln2 = nn.LayerNorm(num_hiddens)
        self.ffn = PositionWiseFFN(num_hiddens, ffn_num_hiddens, num_hiddens)
        self.dropout = nn.Dropout(dropout)

    def forward(self, X: Float[Tensor, "batch tokens num_hiddens"]) -> Float[Tensor, "batch tokens num_hiddens"]:
        """What each token makes of the others; the shape stays."""
        Y = self.ln1(X)
        X = X + self.dropout(self.attention(Y, Y, Y))
        output: Tensor = X + self.dropout(self.ffn(self.ln2(X)))
        return output


class ViT(nn.Module):
    """Patches and a class token with learned positions, through a stack of blocks, to a score for every class."""

    def __init__(
        self,
        img_size: int,
        patch_size: int,
        num_hiddens: int,
        ffn_num_hiddens: int,
        num_heads: int,
        num_layers: int,
        num_classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.patch_embedding = PatchEmbedding(img_size, patch_size, num_hiddens)
        self.cls_token = nn.Parameter(zeros(1, 1, num_hiddens))
        places = self.patch_embedding.num_patches + 1  # the class token's is the first
        self.pos_embedding = nn.Parameter(nn.init.normal_(empty(1, places, num_hiddens), std=0.02))
        self.dropout = nn.Dropout(dropout)
        blocks = (PreNormBlock(num_hiddens, ffn_num_hiddens, num_heads, dropout) for _ in range(num_layers))
        self.blks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(num_hiddens)
        self.head = nn.Linear(num_hiddens, num_classes)

    def forward(self, X: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch num_classes"]:
        """The logits, read off the class token."""
        patches = self.patch_embedding(X)  # (batch, patches, num_hiddens)
        tokens = cat([self.cls_token.repeat(len(X), 1, 1), patches], dim=1)  # (batch, patches + 1, num_hiddens)
        tokens = self.blks(self.dropout(tokens + self.pos_embedding))
        output: Tensor = self.head(self.norm(tokens[:, 0]))  # (batch, num_classes)
        return output
