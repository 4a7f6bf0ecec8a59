"""# The position-wise feed-forward network

Attention carries information from one position to another, but it only ever averages: what a position receives is a
mixture of what others had. Something must then *work* on what has arrived. In a Transformer that is a small network of
two layers, which widens each position's features, lets the positive ones through, and narrows them again. Most of a
Transformer's parameters live here.

*Position-wise* says how it is used: one and the same network serves every position, each on its own. No position sees
its neighbours, so another order of the words, or a longer sentence, changes nothing for a word. In PyTorch that needs
no loop, because a linear layer acts on the last axis and takes all others as they come.

Write the class `PositionWiseFFN`.

* The constructor makes `dense1`, a linear layer from `ffn_num_input` to `ffn_num_hiddens` features, `relu`, and
  `dense2`, a linear layer from `ffn_num_hiddens` to `ffn_num_outputs`. Both layers have a bias.
* `forward` takes `(batch, positions, ffn_num_input)` and returns `(batch, positions, ffn_num_outputs)`: first `dense1`,
  then the ReLU, then `dense2`, and nothing else. What is often found around this network, a residual connection,
  a normalisation and dropout, comes in the next exercise.
* *Beyond the book:* the input is the caller's, so leave it as it is; and once the layer is in half precision, half
  precision in is half precision out.

Example: two hidden features are enough for the absolute value. Let `dense1` have the weights `1` and `-1`, `dense2`
the weights `1` and `1`, all without bias. The position `[3]` becomes `[3, -3]`, after the ReLU `[3, 0]`, and then
`[3]`; the position `[-2]` becomes `[-2, 2]`, then `[0, 2]`, and then `[2]`. Leave the ReLU out, and both end at 0.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class PositionWiseFFN(nn.Module):
    """Two linear layers with a ReLU between them, the same for every position."""

    def __init__(self, ffn_num_input: int, ffn_num_hiddens: int, ffn_num_outputs: int) -> None:
        """Make `dense1`, `relu` and `dense2`."""
        super().__init__()
        ...

    def forward(self, X: Float[Tensor, "batch positions inputs"]) -> Float[Tensor, "batch positions outputs"]:
        """Send every position through the network, each on its own."""
        ...
