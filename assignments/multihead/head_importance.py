"""# Which heads matter

A layer with many heads costs many heads, and often a few of them do the work. Which ones? A picture of the weights does
not tell: a head may look at one place very firmly and have nothing to say. Ask the loss instead: silence one head,
leave everything else as it is, and see how much worse the layer becomes. What nobody misses can go, and this time the
layer really becomes smaller.

In both functions `mha` is your `MultiHeadAttention` with `h` heads of width `d`. A head is *silent* when its output is
set to zero: its slice `i * d` to `(i + 1) * d` of the concatenated heads, before `W_o` mixes them.

1. `head_importance(mha, loss_fn, batch)` returns a tensor `(h,)`: for each head, the loss with this head silent minus
   the loss of the full layer. So it is positive for a head that helps, and may be negative for one that does harm.
   * `batch` is the tuple `(queries, keys, values, valid_lens)` of the layer's arguments, with `valid_lens` perhaps
     `None`; `loss_fn` is a function from the layer's output to a scalar tensor. The full loss is
     `loss_fn(mha(*batch))`. No gradient flows through `loss_fn`, and you need none.
   * Measure in evaluation mode, or dropout will make noise. Afterwards the layer is as before, mode and weights.
2. `prune_heads(mha, keep)` returns a new, smaller layer that has only the heads in the list `keep` (their numbers, each
   at most once, at least one, in any order). For every input its output equals that of the full layer with all other
   heads silent. It is a module like `mha`, with the same dropout:
   * called with the same four arguments, it returns `(batch, queries, num_hiddens)`, of the full width;
   * its parameters have the same names, and nothing is left of the other heads in them: `W_q.weight`, `W_k.weight`,
     `W_v.weight` have the shapes `(len(keep) * d, query_size)` and so on, `W_o.weight` is
     `(num_hiddens, len(keep) * d)`;
   * biases, if `mha` has them, go the same way: `(len(keep) * d,)` for the three, `(num_hiddens,)` for `W_o`;
   * `mha` itself stays as it is.
* *Beyond the book,* which has no code for this: the pruned layer keeps the dtype, shares no memory with `mha` (training
  one must not change the other), and the tensors in `batch` stay as they are.

A question to be answered in words is in `head_importance.md`.

Example: two heads of width 1, `W_o` the identity and `loss_fn` the sum. If the layer's output for the only query is
`[[[3., -1.]]]`, the full loss is 2; without head 0 it is -1, without head 1 it is 3. So the importances are
`[-3., 1.]`, and `prune_heads(mha, [1])` returns `[[[0., -1.]]]`.

To try afterwards: train a layer, and silence its heads one by one, and then two at a time. Do the numbers add up?
(The graders make their layers from the import below, so keep it in your file.)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from multihead.multi_head_attention import MultiHeadAttention
from torch import Tensor


def head_importance(
    mha: MultiHeadAttention,
    loss_fn: Callable[[Tensor], Tensor],
    batch: tuple[Tensor, Tensor, Tensor, Tensor | None],
) -> Float[Tensor, " heads"]:
    """The loss with each head silent, minus the loss with all of them."""
    ...


def prune_heads(mha: MultiHeadAttention, keep: list[int]) -> MultiHeadAttention:
    """A smaller layer that has only the heads in `keep`."""
    ...
