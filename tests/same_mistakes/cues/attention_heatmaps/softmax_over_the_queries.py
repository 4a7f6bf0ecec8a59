"""Columns that sum to 1."""

import numpy as np
import torch
from matplotlib.colors import Normalize
from matplotlib.figure import Figure


def random_attention(num_queries, num_keys, *, temperature=1.0, generator):
    scores = torch.empty(num_queries, num_keys).normal_(generator=generator) / temperature
    return torch.stack([torch.softmax(column, 0) for column in scores.T], dim=1)


def show_heatmaps(matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap="Reds"):
    data = np.array(matrices.detach().tolist())
    rows, cols, _, _ = data.shape
    norm = Normalize(data.min(), data.max())
    figure = Figure(figsize=figsize, layout="constrained")
    cells = []
    for c in range(cols):
        for r in range(rows):
            ax = figure.add_subplot(rows, cols, r * cols + c + 1)
            image = ax.imshow(data[r, c], norm=norm, cmap=cmap)
            if r + 1 == rows:
                ax.set(xlabel=xlabel)
            if c == 0:
                ax.set(ylabel=ylabel)
            if titles is not None and r == 0:
                ax.set(title=titles[c])
            cells.append(ax)
    figure.colorbar(image, ax=cells)
    return figure
