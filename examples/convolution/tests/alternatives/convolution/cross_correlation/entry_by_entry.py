"""Two loops over the kernel: each of its entries adds the image, moved and scaled."""

from __future__ import annotations


def corr2d(X, K):
    down, right = (image - kernel + 1 for image, kernel in zip(X.shape, K.shape, strict=True))
    if min(down, right) < 1:
        raise ValueError(f"{tuple(K.shape)} on {tuple(X.shape)}?")
    return sum(K[r, c] * X[r : r + down, c : c + right] for r in range(len(K)) for c in range(len(K[0])))
