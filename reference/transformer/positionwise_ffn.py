"""One small network, used for every position on its own.

Attention moves information between positions and this layer thinks about what has arrived: widen, keep what is
positive, narrow. `nn.Linear` acts on the last axis alone, so no position ever sees another.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class PositionWiseFFN(nn.Module):
    """Two linear layers with a ReLU between them; Vaswani et al., 2017, section 3.3."""

    def __init__(self, ffn_num_input: int, ffn_num_hiddens: int, ffn_num_outputs: int) -> None:
        super().__init__()
        self.dense1 = nn.Linear(ffn_num_input, ffn_num_hiddens)
        self.relu = nn.ReLU()
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs)

    def forward(self, X: Float[Tensor, "batch positions inputs"]) -> Float[Tensor, "batch positions outputs"]:
        """Every position, one by one and all alike: inputs to hiddens to outputs."""
        output: Tensor = self.dense2(self.relu(self.dense1(X)))
        return output
