"""# A picture of attention

Attention weights are a matrix: one row for each query, one column for each key, and each row says how that query shares
out its attention. The quickest way to see what a model looks at is to draw the matrix as a picture, dark where the
weight is large. You will look at hundreds of these, so write the tool now; and begin with attention that looks nowhere
in particular, to know what nothing looks like.

1. `random_attention(num_queries, num_keys, *, temperature=1.0, generator)` returns float32 weights of shape
   `(num_queries, num_keys)`.
   * Draw the scores from the standard normal distribution with `generator`, and from nowhere else, so that the same
     seed gives the same matrix.
   * Divide the scores by `temperature`, and make each row a distribution over the keys with a softmax. A low
     temperature makes up its mind, a high one cannot decide.
2. `show_heatmaps(matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap='Reds')` returns a `Figure`.
   * `matrices` is `(rows, cols, queries, keys)`. The figure is a grid of `rows` times `cols` cells, and each shows its
     matrix as one image (`ax.imshow`): queries downwards, keys to the right, with the colours of `cmap`.
   * `xlabel` stands under the cells of the last row only, `ylabel` beside those of the first column only. `titles` has
     one text for each column, above its top cell (on the other cells of the column it may be repeated).
   * One colour bar for all: the figure has `rows * cols + 1` axes. `figsize` is the size of the whole figure.
   * A grid of one cell, and a matrix of one number, are drawn like all others. Weights straight out of a model still
     have their graph: `matrices` may require grad.

Example: `show_heatmaps(torch.eye(10).reshape(1, 1, 10, 10), xlabel="Keys", ylabel="Queries")` shows a dark diagonal on
white: each query looks at the key of its own number.

*Beyond the book:*

* The book's function lets every cell choose its own colours, while the colour bar speaks of the last one only. Let the
  colours of all cells run from the smallest to the largest number in all matrices, so that equal weights look equal.
* A function that draws should not do more than that. Do not call `plt.show()`, change no setting of matplotlib, and
  leave `matrices` as they are. (`given/drawing.py` is how the graders watch; you do not need it.)

To try: `random_attention(10, 10, ...)` at the temperatures 0.1, 1 and 10 side by side. Every row sums to 1. What about
the columns, and what would it mean for a key if its column summed to 3?
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
    ...


def show_heatmaps(
    matrices: Float[Tensor, "rows cols queries keys"],
    xlabel: str,
    ylabel: str,
    titles: list[str] | None = None,
    figsize: tuple[float, float] = (2.5, 2.5),
    cmap: str = "Reds",
) -> Figure:
    """A grid of pictures, one for each matrix, that share their colours."""
    ...
