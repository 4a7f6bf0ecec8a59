"""# Dot products in place of additive attention

Additive attention lets every query meet every key in a hidden space: two projections, a sum for each pair, a tanh, a
scoring vector. The dot product has none of that. The decoder's state and the encoder's outputs have the same size, so
let the state itself be the question, and a source position matter as much as it points in the same direction. This is
what Luong, Pham and Manning tried a few months after Bahdanau. Is it more efficient? That depends on what you count.
So build it, and count twice: what a step costs, and how many steps are needed.

1. `DotProductDecoder` is your `Seq2SeqAttentionDecoder` in everything but its `attention`, which is your
   `DotProductAttention(dropout)`. Query, keys and values are the same as before, now `num_hiddens` wide on both sides.
   (You may inherit from your decoder, or write it out.) It has `h * (2h + 1)` parameters less, with `h = num_hiddens`.
2. `steps_to_reach(curve, threshold)`: `curve[t]` is the loss of step t, counted from 0. Single losses jump, so take the
   mean of ten: the answer is the first t at which the mean of `curve[t - 9]` to `curve[t]` is at most `threshold`, as
   an `int`, or `None` if there is no such t. A mean with a NaN in it is not at most anything.
3. `attention_cost(decoder, queries, keys)` returns two ints: how many parameters the decoder's `attention` has (not the
   whole decoder), and how many numbers are in the largest tensor that is made when it is called with these `queries`
   `(batch, queries, h)`, the `keys` `(batch, keys, h)`, the keys once more as values, and no lengths. `count_cost` of
   `given/cost_counter.py` counts.
4. `efficiency_report(curves, params, largest)` gets three dictionaries, each with an entry for `"additive"` and one for
   `"dot"`: a curve of losses, and the two numbers of `attention_cost`. It returns a dictionary with
   * `"steps"`: a dictionary from both names to the steps that each needs to reach `THRESHOLD`, or `None`;
   * `"params"` and `"largest"`: dictionaries from both names to the numbers given;
   * `"ratio"`: how many times as large additive attention's largest tensor is as that of the dot product;
   * `"cheaper"`: the name whose largest tensor is smaller, or `None` if they are equal;
   * `"sooner"`: the name that needs fewer steps, or `None` if both need the same or neither arrives. Who never arrives
     is later than who does.
* *Beyond the book:* a source of length 0 has weights and context of 0, and words, states, lengths and curves are after
  a call what they were before.

The graders train yours on `given/dates.py` for 150 steps, and an additive one beside it for your report. Before you do
the same: which will be ahead in what? A written question about it is in `dot_product_decoder.md`.

Example: let `num_hiddens` be 4, and everything in the GRU 0, so that it halves its state at every step. From the state
(4, 4, 4, 4) and with the source positions (0, 0, 0, 0) and (1, 1, 1, 1) / 4 the first query has the scores 0 and
4 / sqrt(4) = 2; the next ones 0 and 1, then 0 and 0.5. So the second position gets the weights 0.881, 0.731, 0.622.
And if a loss is 2 for the steps 0 to 4 and 0 from there on, the threshold 0.5 is reached at step 12: of the last ten
losses two are 2, which makes a mean of 0.4; one step before it was 0.6.
"""

from __future__ import annotations

from typing import Any

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.cost_counter import count_cost
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam
from jaxtyping import Float
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor, nn

THRESHOLD = 0.5


class DotProductDecoder(nn.Module):
    """A GRU that attends to the source with scaled dot products before every step."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__()
        ...


def steps_to_reach(curve: Float[Tensor, " steps"], threshold: float) -> int | None:
    """The first step, counted from 0, at which the mean of the last 10 losses is at most the threshold."""
    ...


def attention_cost(
    decoder: nn.Module, queries: Float[Tensor, "batch queries hiddens"], keys: Float[Tensor, "batch keys hiddens"]
) -> tuple[int, int]:
    """The parameters of the decoder's attention, and the numbers in the largest tensor that one call of it makes."""
    ...


def efficiency_report(
    curves: dict[str, Float[Tensor, " steps"]], params: dict[str, int], largest: dict[str, int]
) -> dict[str, Any]:
    """What "additive" and "dot" cost, how many steps they need, and which of them is ahead in each."""
    ...
