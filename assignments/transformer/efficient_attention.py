"""# Cheaper attention

Full attention compares every token with every other: twice the length, four times the work. Much has been written to
avoid that, and two ideas keep coming back. *Look only nearby*, as a convolution does. Or *never make the weights*: if
a score were a plain product of features, with no softmax around it, the keys and values could be summed up once, and
every query could read the sum.

Write both. In each, `queries` is `(batch, n, d)`, `keys` `(batch, m, d)`, `values` `(batch, m, value_size)`, and the
output `(batch, n, value_size)`. What comes in may be float64, float32, bfloat16 or float16: what goes out has the
same dtype, and what came in stays as it was.

* `local_attention(queries, keys, values, window)`, for `n` equal to `m`: scaled dot-product attention in which token
  `i` sees token `j` only if `|i - j| <= window`. Near the ends there are fewer neighbours, and the softmax is over
  those that exist. At a fixed window both the work and the memory must grow like `n`: a full matrix with a band cut
  out of it gives the right numbers and saves nothing. A window may be larger than the sequence.
* `linear_attention(queries, keys, values, causal=False)`: the weight of key `j` for query `i` is `phi(q_i) .
  phi(k_j)`, divided by the sum of these over the keys that count, with `phi(x) = elu(x) + 1`, which is positive
  everywhere. There is no softmax and no root of `d`. With `causal=True`, for `n` equal to `m`, query `i` may see keys
  `0` to `i` only. Here too both costs must grow like the length: change the order of the products so that no `n` by
  `m` matrix appears.

The causal form is more than cheap: it reads one token at a time, and keeps a state whose size does not depend on the
length. It is a recurrent network.

Example: with width 1, keys 0 and 1, values 10 and 40, and the query 0. `phi` is 1 for 0 and 2 for 1, so the weights
are 1/3 and 2/3 and the linear output is 30. In the causal form query 0, the first token, sees only the first key: 10.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


def local_attention(
    queries: Float[Tensor, "batch n size"],
    keys: Float[Tensor, "batch n size"],
    values: Float[Tensor, "batch n value_size"],
    window: int,
) -> Float[Tensor, "batch n value_size"]:
    """Scaled dot-product attention among tokens at most `window` apart, in time and memory linear in `n`."""
    ...


def linear_attention(
    queries: Float[Tensor, "batch n size"],
    keys: Float[Tensor, "batch m size"],
    values: Float[Tensor, "batch m value_size"],
    causal: bool = False,
) -> Float[Tensor, "batch n value_size"]:
    """Attention with the weights phi(q) . phi(k), normalised over the keys, in time and memory linear in the length."""
    ...
