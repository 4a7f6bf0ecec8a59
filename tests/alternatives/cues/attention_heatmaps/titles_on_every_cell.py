"""Scores in one long row, a softmax by hand less its maximum; `set_clim` after drawing, titles repeated."""

import matplotlib.pyplot as plt
import torch


def random_attention(num_queries, num_keys, *, temperature=1.0, generator):
    scores = torch.normal(0.0, 1.0, (num_keys, num_queries), generator=generator).T / temperature
    weights = (scores - scores.amax(dim=1, keepdim=True)).exp()
    return weights / weights.sum(dim=1, keepdim=True)


def show_heatmaps(matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap="Reds"):
    fig, axes = plt.subplots(len(matrices), len(matrices[0]), figsize=figsize, squeeze=False)
    images = []
    for row_axes, row in zip(axes, matrices, strict=True):
        row_axes[0].set_ylabel(ylabel)
        for j, (ax, matrix) in enumerate(zip(row_axes, row, strict=True)):
            images.append(ax.imshow(matrix.detach().numpy(), cmap=cmap))
            if titles:
                ax.set_title(titles[j])
    for ax in axes[-1]:
        ax.set_xlabel(xlabel)
    for image in images:
        image.set_clim(float(matrices.min()), float(matrices.max()))
    fig.colorbar(images[0], ax=axes.ravel().tolist(), location="bottom")
    return fig
