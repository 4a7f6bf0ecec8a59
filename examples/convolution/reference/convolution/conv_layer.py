"""A kernel and a bias that are learnt; all else is the cross-correlation, image by image."""

from __future__ import annotations

import torch
from convolution.cross_correlation import corr2d
from jaxtyping import Float
from torch import Tensor, nn


class Conv2D(nn.Module):
    """Cross-correlation with a kernel that is learnt, and a bias."""

    def __init__(self, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(kernel_size))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, X: Float[Tensor, "batch height width"]) -> Float[Tensor, "batch places_down places_right"]:
        """The kernel on each image of the batch, plus the bias."""
        return torch.stack([corr2d(image, self.weight) for image in X]) + self.bias
