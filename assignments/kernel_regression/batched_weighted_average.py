"""# Weighted averages, a batch at a time

All attention ends in the same step: some values, a weight for each of them, and their weighted average. A model takes
this step for every example of a batch, and a loop over the examples would spend its time in Python and not in
arithmetic. One call can do them all, if you see what a weighted average is: a row of weights times a column of values,
`(1, n)` times `(n, 1)`, a matrix product whose result is a single number. `torch.bmm` multiplies two stacks of
matrices, pair by pair:

    torch.bmm(A, B)[i] = A[i] @ B[i]    with shapes    (batch, a, n), (batch, n, b) -> (batch, a, b)

So everything here is a question of shapes: where do the axes of length 1 go, and how do you get rid of them again?

Write `weighted_average(weights, values)`.

* `weights` is `(batch, n)`: one weight for each value, of each example. Use them as they are. Whoever made them has
  taken care that they sum to 1, or did not want it.
* `values` comes in two shapes. With `(batch, n)` a value is a number, and the result is `(batch,)`. With
  `(batch, n, v)` a value is a vector of `v` numbers, and the result is `(batch, v)`: the average of the vectors.
* Any of the sizes may be 1, and the result has its shape all the same: one example is still a batch.
* No loop over the examples, and one matrix product for the whole batch (an elementwise product and a sum will do as
  well). Examples have nothing to do with each other, so make no table of all pairs of them either.
* The result has the dtype of the inputs, and gradients flow into both.

Example: `weights = [[0.5, 0.5, 0.], [0., 0., 1.]]` and `values = [[2., 4., 9.], [1., 1., 7.]]` give `[3., 7.]`. If the
values of the first example were the points `(2, 0)`, `(4, 1)` and `(9, 9)`, its average would be the point `(3, 0.5)`.

*Beyond the book:* the caller's tensors stay as they are, and it does not matter how they lie in memory. A transposed
tensor is not contiguous; `view` refuses it.

Then try how long a batch of 10,000 takes, with your function and with a loop. (In kernel regression the values are
the training outputs, and the weights tell how near each training input is to the query.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def weighted_average(
    weights: Float[Tensor, "batch n"], values: Float[Tensor, "batch n"] | Float[Tensor, "batch n v"]
) -> Float[Tensor, " batch"] | Float[Tensor, "batch v"]:
    """The values of each example, summed under the weights of that example.

    >>> weighted_average(torch.tensor([[0.5, 0.5], [0.0, 1.0]]), torch.tensor([[2.0, 4.0], [1.0, 7.0]]))
    tensor([3., 7.])
    """
    ...
