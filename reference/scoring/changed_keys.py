"""Equal keys leave a softmax nothing to prefer, so every scorer is uniform on them; unequal keys end the agreement.

Long keys show it at once: the additive score saturates in its tanh, while the dot product keeps growing with the key.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scoring.additive_attention import AdditiveAttention
from scoring.dot_product_attention import DotProductAttention
from torch import Tensor


def compare_scorers(
    additive: AdditiveAttention,
    dot: DotProductAttention,
    queries: Float[Tensor, "batch queries size"],
    keys: Float[Tensor, "batch keys size"],
    values: Float[Tensor, "batch keys value_size"],
    valid_lens: Int[Tensor, " batch"] | Int[Tensor, "batch queries"] | None = None,
) -> dict[str, float | bool | Tensor]:
    """How far two scorers are apart, whether both are uniform, and for which queries they rank the keys alike."""
    batch, num_keys, _ = keys.shape
    lengths = torch.full((batch,), num_keys, device=keys.device) if valid_lens is None else valid_lens
    valid = torch.arange(num_keys, device=keys.device) < lengths.reshape(batch, -1, 1)  # (batch, 1 or queries, keys)
    with torch.no_grad():
        for scorer in (additive, dot):
            scorer(queries, keys, values, valid_lens)
    weights = torch.stack([additive.attention_weights, dot.attention_weights])  # (2, batch, queries, keys)
    weights = weights.detach().masked_fill(~valid, 0.0)
    uniform = (valid / valid.sum(-1, keepdim=True).clamp(min=1)).to(weights)
    ranking = weights.argsort(dim=-1)
    return {
        "max_weight_gap": (weights[0] - weights[1]).abs().max().item(),
        "both_uniform": torch.allclose(weights, uniform, rtol=0.0, atol=1e-6),
        "same_ranking": (ranking[0] == ranking[1]).all(-1),  # (batch, queries)
    }


def keys_that_agree(m: int, d: int) -> Float[Tensor, "m d"]:
    """One key, m times."""
    return torch.ones(m, d)


def keys_that_disagree(  # whatever the scorers have learned: they need not be asked
    additive: AdditiveAttention,  # noqa: ARG001
    dot: DotProductAttention,  # noqa: ARG001
    queries: Float[Tensor, "1 queries d"],
    m: int,
) -> Float[Tensor, "1 m d"]:
    """Once, twice, ..., m times the first query, all of it very long: even for the first, and all to the last key."""
    return queries[:, :1].mul(1e6).repeat(1, m, 1).cumsum(1)  # (1, m, d)
