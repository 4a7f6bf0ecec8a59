"""Let the state itself point at what it wants: no parameters between query and key, and no tanh for every pair.

Cheaper at every step, and slower to learn; so measure both before calling one of them efficient.
"""

from __future__ import annotations

from typing import Any

from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.cost_counter import count_cost
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam
from jaxtyping import Float
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor, nn

__all__ = [
    "DotProductDecoder",
    "EncoderDecoder",
    "Seq2SeqAttentionDecoder",
    "Seq2SeqEncoder",
    "adam",
    "attention_cost",
    "efficiency_report",
    "greedy_decode",
    "steps_to_reach",
    "train_step",
]

WINDOW = 10
THRESHOLD = 0.5


class DotProductDecoder(Seq2SeqAttentionDecoder):
    """A GRU that attends to the source with scaled dot products; Luong et al., 2015, in Bahdanau's place."""

    def __init__(self, vocab_size: int, embed_size: int, num_hiddens: int, num_layers: int, dropout: float = 0) -> None:
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = DotProductAttention(dropout)  # type: ignore[assignment]


def steps_to_reach(curve: Float[Tensor, " steps"], threshold: float) -> int | None:
    """The first step, counted from 0, at which the mean of the last 10 losses is at most the threshold."""
    ends = range(WINDOW - 1, len(curve))
    return next((t for t in ends if curve[t + 1 - WINDOW : t + 1].mean() <= threshold), None)


def attention_cost(
    decoder: nn.Module, queries: Float[Tensor, "batch queries hiddens"], keys: Float[Tensor, "batch keys hiddens"]
) -> tuple[int, int]:
    """The parameters of the decoder's attention, and the numbers in the largest tensor that one call of it makes."""
    attention = decoder.get_submodule("attention")
    params = sum(parameter.numel() for parameter in attention.parameters())
    return params, count_cost(attention, queries, keys, keys, None).largest


def efficiency_report(
    curves: dict[str, Float[Tensor, " steps"]], params: dict[str, int], largest: dict[str, int]
) -> dict[str, Any]:
    """What "additive" and "dot" cost, how many steps they need, and which of them is ahead in each."""
    steps = {name: steps_to_reach(curve, THRESHOLD) for name, curve in curves.items()}
    return {
        "steps": steps,
        "params": dict(params),
        "largest": dict(largest),
        "ratio": largest["additive"] / largest["dot"],
        "cheaper": _smallest(largest),
        "sooner": _smallest({name: count for name, count in steps.items() if count is not None}),
    }


def _smallest(numbers: dict[str, int]) -> str | None:
    """The name whose number is smaller than all others, if there is one."""
    lowest = [name for name, number in numbers.items() if number == min(numbers.values())]
    return lowest.pop() if len(lowest) == 1 else None
