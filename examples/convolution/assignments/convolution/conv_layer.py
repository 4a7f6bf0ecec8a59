"""# A layer that learns its kernel

The right kernel finds edges, corners or stripes; but who writes it down? Nobody. A convolutional layer starts with a
random kernel and learns it by gradients, like any other weights. It needs few of them, because the same kernel serves
every place of the image: what was learnt on the left is known on the right.

Write the class `Conv2D`, with your `corr2d` from the exercise before.

* The constructor takes `kernel_size`, the pair `(rows, columns)`, and makes two parameters: `weight` of that shape,
  with random numbers, so that two layers do not begin alike; and `bias` of shape `(1,)`, which begins at 0.
* `forward` takes a batch of images `(batch, height, width)`, lays the kernel on each of them by itself, adds the bias
  to every number, and returns `(batch, height - rows + 1, width - columns + 1)`.

Example: with the weight `[[1, -1]]` and a bias of 0 the layer is an edge detector. On the image `[[1, 1, 0, 0, 1]]` it
gives `[[0, 1, 0, -1]]`: 1 where white turns to black, -1 where black turns to white, and 0 where nothing happens. With
a bias of 10 it gives `[[10, 11, 10, 9]]`.
"""

from __future__ import annotations

from convolution.cross_correlation import corr2d
from jaxtyping import Float
from torch import Tensor, nn


class Conv2D(nn.Module):
    """Cross-correlation with a kernel that is learnt, and a bias."""

    def __init__(self, kernel_size: tuple[int, int]) -> None:
        """Make `weight` and `bias`."""
        super().__init__()
        ...

    def forward(self, X: Float[Tensor, "batch height width"]) -> Float[Tensor, "batch places_down places_right"]:
        """The kernel on each image of the batch, plus the bias."""
        ...
