"""A score that only adds has nothing to compare: the query's share is the same for all keys, and the softmax drops it.

So `w . (q + k)` looks at the same keys whoever asks. The two functions measure that: what a change of query does to the
weights, and how well each kind of attention recalls.
"""

from __future__ import annotations

import torch
from given.recall import recall_batch, recall_loss
from jaxtyping import Float, Int
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import Tensor, nn


class SumAttention(nn.Module):
    """Attention whose score is `w . (q + k)`."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.w = nn.Linear(size, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        queries: Float[Tensor, "batch queries size"],
        keys: Float[Tensor, "batch keys size"],
        values: Float[Tensor, "batch keys value_size"],
        valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
    ) -> Float[Tensor, "batch queries value_size"]:
        """The values averaged under `attention_weights`, which stay readable: (batch, queries, keys)."""
        scores = self.w(queries) + self.w(keys).transpose(1, 2)  # (batch, queries, 1) + (batch, 1, keys)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)


def query_effect(
    attention: SumAttention | DotProductAttention,
    queries: Float[Tensor, "batch queries size"],
    keys: Float[Tensor, "batch keys size"],
    values: Float[Tensor, "batch keys value_size"],
) -> float:
    """The largest difference that the choice of a query makes to the weight of any key."""
    attention(queries, keys, values)
    weights = attention.attention_weights  # (batch, queries, keys)
    return float((weights.amax(dim=1) - weights.amin(dim=1)).max())


def recall_accuracy(attention: SumAttention | DotProductAttention, *, seed: int = 0) -> float:
    """Train `attention` on the recall task, if it has anything to train, and say how often it is right on new data."""
    if any(True for _ in attention.parameters()):
        _train(attention, torch.Generator().manual_seed(seed))
    queries, keys, values, targets = recall_batch(1000, generator=torch.Generator().manual_seed(seed + 1))
    with torch.no_grad():
        outputs = attention.eval()(queries, keys, values).squeeze(1)  # (batch, classes)
    return float((outputs.argmax(dim=1) == targets).double().mean())


def _train(attention: nn.Module, generator: torch.Generator) -> None:
    attention.train()
    optimizer = torch.optim.Adam(attention.parameters(), lr=1e-2)
    for _ in range(200):
        queries, keys, values, targets = recall_batch(64, generator=generator)
        loss = recall_loss(attention(queries, keys, values), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
