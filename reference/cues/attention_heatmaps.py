"""Softmax makes a distribution over the keys of any scores; a picture shows one row for each query.

Pictures that are to be compared need the same colours for the same weights, so the range is taken over all of them.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor


def random_attention(
    num_queries: int, num_keys: int, *, temperature: float = 1.0, generator: torch.Generator
) -> Float[Tensor, "queries keys"]:
    """Attention weights for standard normal scores, divided by the temperature."""
    scores = torch.randn(num_queries, num_keys, generator=generator)
    return (scores / temperature).softmax(dim=1)


def show_heatmaps(
    matrices: Float[Tensor, "rows cols queries keys"],
    xlabel: str,
    ylabel: str,
    titles: list[str] | None = None,
    figsize: tuple[float, float] = (2.5, 2.5),
    cmap: str = "Reds",
) -> Figure:
    """A grid of pictures, one for each matrix, that share their colours."""
    matrices = matrices.detach().cpu()
    rows, cols = matrices.shape[:2]
    lowest, highest = matrices.min().item(), matrices.max().item()
    figure, axes = plt.subplots(rows, cols, figsize=figsize, sharex=True, sharey=True, squeeze=False)
    for row, col in torch.cartesian_prod(torch.arange(rows), torch.arange(cols)).tolist():
        image = axes[row, col].imshow(matrices[row, col].numpy(), cmap=cmap, vmin=lowest, vmax=highest)
    for ax in axes[-1]:
        ax.set_xlabel(xlabel)
    for ax in axes[:, 0]:
        ax.set_ylabel(ylabel)
    for ax, title in zip(axes[0], titles or [], strict=False):
        ax.set_title(title)
    figure.colorbar(image, ax=axes, shrink=0.6)
    return figure
