"""# The derivative of attention

Turn the query a little: where does the output of attention go? For one query `q` and keys that are their own values,

    a(q) = sum_i w_i k_i    with    w = softmax(scores),    scores_i = q . k_i

(plain dot products here, not divided by the root of the width) the answer is worth knowing by heart. The derivative of
`a` with respect to `q` is a matrix that statistics has known for long, made of the keys and their weights alone.

It says when attention learns and when it does not. Keys that all agree leave nothing to choose, and the derivative is
zero. So does a softmax that has made up its mind: with all the weight on one key, a small turn of the query changes
nothing, and no gradient passes. That is the saturation which the division by the root of the width is there to avoid.

Derive it on paper first: what is the derivative of a softmax with respect to its scores, and of a score with respect to
the query? Collect the terms into something that you recognise.

Write `attention_jacobian(query, keys)`.

* `query` is `(d,)`, `keys` is `(n, d)`, and the keys are the values too; `n` and `d` are at least 1.
* The result is `(d, d)`: row `i`, column `j` holds the derivative of the output's number `i` with respect to the
  query's number `j`.
* Use the closed form: a softmax and a few matrix products, no automatic differentiation and no small differences.
* The result has the dtype of the keys (float64, float32, bfloat16 or float16), stays finite when scores are in the
  thousands, and gradients flow through it, so that someone could differentiate attention twice.

Example: the keys `[1., 0.]` and `[-1., 0.]` and a query of zeros. Both weights are 1/2, and the jacobian is
`[[1., 0.], [0., 0.]]`: pull the query to the right, and the output follows; up and down it cannot go. With the query
`[3., 0.]` the weights are 0.998 and 0.002, and of the 1 only 0.0099 is left.

*Beyond the book,* which leaves the derivation as an exercise and has no code for it:

* The caller's tensors stay as they are.
* Shift all keys by the same large vector, and the jacobian stays the same. In float32 not every formula that is right
  on paper survives it: keys around 4096 have squares around 16 million, and there float32 counts in ones.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def attention_jacobian(query: Float[Tensor, " d"], keys: Float[Tensor, "n d"]) -> Float[Tensor, "d d"]:
    """The derivative of `softmax(keys @ query) @ keys` with respect to the query.

    >>> attention_jacobian(torch.zeros(2), torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor([[1., 0.],
            [0., 0.]])
    """
    ...
