"""Project queries and keys into one hidden space, add every query to every key, and let a vector score the tanh.

The sum is taken by broadcasting: queries vary along one axis, keys along another, and nothing is looped over.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class AdditiveAttention(nn.Module):
    """Attention whose score is `w_v . tanh(W_q q + W_k k)`; Bahdanau et al., 2015, appendix A.1.2."""

    def __init__(self, key_size: int, query_size: int, num_hiddens: int, dropout: float) -> None:
        super().__init__()
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        queries: Float[Tensor, "batch queries query_size"],
        keys: Float[Tensor, "batch keys key_size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        features = torch.tanh(self.W_q(queries)[:, :, None] + self.W_k(keys)[:, None])  # (batch, queries, keys, hidden)
        scores = self.w_v(features).squeeze(-1)  # (batch, queries, keys)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
