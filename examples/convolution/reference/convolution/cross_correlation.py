"""All windows at once, as two more axes of the image; a product with the kernel sums them away again.

`unfold` copies nothing: it is the same memory, read window by window.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def corr2d(
    X: Float[Tensor, "height width"], K: Float[Tensor, "rows columns"]
) -> Float[Tensor, "places_down places_right"]:
    """The sum of the products under the kernel, at each place where it lies wholly on the image."""
    rows, columns = K.shape
    if rows > X.shape[0] or columns > X.shape[1]:
        raise ValueError(f"a kernel of shape {tuple(K.shape)} does not fit on an image of shape {tuple(X.shape)}")
    windows = X.unfold(0, rows, 1).unfold(1, columns, 1)  # (places_down, places_right, rows, columns)
    return torch.einsum("ijrc,rc->ij", windows, K)
