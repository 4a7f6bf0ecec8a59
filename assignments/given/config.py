"""How large a Transformer is. The defaults learn the tasks of this chapter in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import nn

BATCH_SIZE = 64


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of an encoder-decoder Transformer; keys, queries and values are all `num_hiddens` wide."""

    src_vocab_size: int
    tgt_vocab_size: int
    num_hiddens: int = 32
    ffn_num_hiddens: int = 64
    num_heads: int = 4
    num_layers: int = 1
    dropout: float = 0.0


@torch.no_grad()
def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Initial values of which every depth can learn; the same generator gives the same model the same values.

    Embeddings are small, of standard deviation 0.5 / sqrt(width), or they would drown the positions. Matrices get
    Xavier's uniform values, biases 0, and the scales of norms 1.
    """
    for name, parameter in sorted(model.named_parameters()):
        if name.endswith("embedding.weight"):
            nn.init.normal_(parameter, std=0.5 / sqrt(parameter.shape[1]), generator=generator)
        elif parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter, generator=generator)
        else:
            nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
