"""# Masked softmax

Sentences in a batch have different lengths, so the short ones are filled up with padding until all are equally long.
Padding means nothing, yet a softmax gives some weight to everything it is shown. Every attention layer of this course
therefore rests on the function you write here: a softmax that only sees the real keys.

Write `masked_softmax(X, valid_lens)`. The scores `X` have the shape `(batch, queries, keys)`, and so has the result. In
each row, that is along the last axis, the first keys up to the valid length share a weight of 1 as in an ordinary
softmax, and every key behind them gets a weight of exactly 0.

`valid_lens` holds integers (of any integer dtype) and comes in three forms:

* `None`: every key is valid.
* shape `(batch,)`: one length per example, for all of its queries.
* shape `(batch, queries)`: each query has a length of its own.

A length above the number of keys counts as all of them. Whatever number stands in the padding, even the largest of its
row, must not show in the weights. The weights have the dtype of `X`, and gradients flow through them.

Example: with the scores `[[1., 1., 5.], [0., 0., 0.]]` of two queries and a valid length of 2, the weights are
`[[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]`. With the lengths `[[1, 3]]`, one for each query, they are
`[[1.0, 0.0, 0.0], [0.333, 0.333, 0.333]]`.

*Beyond the book.* The book writes -1,000,000 over the padded scores, in the tensor that it was given. Do better:

* A row of length 0 has no key to look at: its weights are all 0 and so are its gradients, never NaN. (The book spreads
  such a row evenly.) This holds in half precision too.
* Scores far below a million lose nothing to the padding.
* The arguments belong to the caller: leave them as they are. Then `X` may also be a leaf that requires grad.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def masked_softmax(
    X: Float[Tensor, "batch queries keys"],
    valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
) -> Float[Tensor, "batch queries keys"]:
    """Softmax over the last axis of X among the first `valid_lens` keys of each row.

    >>> masked_softmax(torch.tensor([[[1.0, 1.0, 5.0]]]), torch.tensor([2]))
    tensor([[[0.5000, 0.5000, 0.0000]]])
    """
    ...
