"""# Cross-correlation

How does one find a shape in an image, wherever it is? Lay a small window over the image, compare what lies under it
with the shape, and write one number down; then move the window on by one place, and do it again. The shape is called
the *kernel*, and everything that a convolutional layer computes is made of this.

Write `corr2d(X, K)`. The image `X` has the shape `(height, width)`, the kernel `K` the shape `(rows, columns)`. At each
place where the kernel lies wholly on the image, multiply what is under it by the kernel, entry by entry, and add the
products. The answer has a number for each such place, so its shape is `(height - rows + 1, width - columns + 1)`, and
its entry `[i, j]` belongs to the window whose upper left corner is `X[i, j]`.

The kernel lies on the image as it is written down. Mathematicians turn it round first and call that a *convolution*;
layers that learn their kernels do not care, and leave it out. The answer has the dtype of the image, and gradients flow
to both.

Example: with the image `[[0, 1, 2], [3, 4, 5], [6, 7, 8]]` and the kernel `[[0, 1], [2, 3]]` the first number is
`0 * 0 + 1 * 1 + 3 * 2 + 4 * 3 = 19`, and the answer is `[[19, 25], [37, 43]]`.

*Beyond the book.* A kernel that is higher or wider than the image fits nowhere: raise a `ValueError` that says so. The
image and the kernel belong to the caller: leave them as they are.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def corr2d(
    X: Float[Tensor, "height width"], K: Float[Tensor, "rows columns"]
) -> Float[Tensor, "places_down places_right"]:
    """The sum of the products under the kernel, at each place where it lies wholly on the image.

    >>> corr2d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 10.0]]))
    tensor([[21.],
            [43.]])
    """
    ...
