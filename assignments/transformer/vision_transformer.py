"""# A vision transformer

A transformer reads a sequence of vectors and does not ask where they come from. So cut an image into squares, turn the
pixels of each square into a vector, and read them like words: no convolution anywhere. What a convolution knows from
the start, that neighbours belong together, this model has to learn: it gets a position for every patch, and learns it.

For the answer one token more is put in front, the *class token*. It belongs to no square. Block by block it attends to
the patches and gathers what matters, and the logits are read off it alone.

1. `PatchEmbedding(img_size, patch_size, num_hiddens, in_channels=1)` takes square images `(batch, channels, img_size,
   img_size)` to `(batch, patches, num_hiddens)`. Squares are numbered as one reads, along the top row first. The pixels
   of a square are laid out channel by channel, in each channel row by row, as a convolution flattens its kernel, and
   then go through `projection`, an `nn.Linear` with bias. `num_patches` says how many squares there are.
2. `ViT(img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout)` takes grey
   images `(batch, 1, img_size, img_size)` to logits `(batch, num_classes)`, with these submodules and parameters:
   * `patch_embedding`; `cls_token` `(1, 1, num_hiddens)`; `pos_embedding` `(1, patches + 1, num_hiddens)`, the first of
     them for the class token. All tokens get their position added, and then `dropout` acts on the sum;
   * `blks`, an `nn.Sequential` or `nn.ModuleList` of `num_layers` blocks. They are *pre-norm*: `X` becomes
     `X + attention(ln1(X))`, and that becomes `X + ffn(ln2(X))`. Nothing else stands on the way from the first block to
     the last. `ln1` and `ln2` are layer norms, `attention` is your `MultiHeadAttention` (without bias), `ffn` your
     `PositionWiseFFN`. Dropout falls on what each of the two returns, before it is added;
   * `norm`, a layer norm for the class token that leaves the last block, and `head`, an `nn.Linear` to the logits.
* *Beyond the book:* when `patch_size` does not divide `img_size`, both constructors raise a `ValueError`; half
  precision works; and the images stay as they are.

The calls that would do the cutting for you (`Conv2d`, `Unfold` and their functions) are switched off here. In the end
your model is trained on the 8 x 8 digits of `given/digits.py`, in 200 steps with patches of 2 x 2, and has to read
85 % of digits that it has never seen.

Example: for the image `[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]` and a `patch_size` of 2 there
are 4 patches. The pixels of patch 1 are `[2, 3, 6, 7]`, those of patch 2 are `[8, 9, 12, 13]`. A ViT of width 32 reads
5 tokens then: `cls_token` and the 4 patches, `(batch, 5, 32)` with their positions added.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor, nn
from transformer.positionwise_ffn import PositionWiseFFN


class PatchEmbedding(nn.Module):
    """A vector for each square of an image."""

    def __init__(self, img_size: int, patch_size: int, num_hiddens: int, in_channels: int = 1) -> None:
        """Make `projection`, and count the patches in `num_patches`."""
        super().__init__()
        ...

    def forward(self, X: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch patches num_hiddens"]:
        """Cut, flatten, project."""
        ...


class ViT(nn.Module):
    """Patches and a class token with learned positions, through pre-norm blocks, to logits."""

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
        """Make `patch_embedding`, `cls_token`, `pos_embedding`, `blks`, `norm` and `head`."""
        super().__init__()
        ...

    def forward(self, X: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch num_classes"]:
        """The logits, read off the class token."""
        ...
