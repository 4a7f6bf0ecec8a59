"""The copy task: five random symbols, a separator, and the same five again.

A language model of such sequences cannot know the first five: nobody can, and the best it can do is to give all eight
symbols the same probability, at a cost of log 8 = 2.08 nats each. The second five it can know for certain, if it looks
back at the right place. So the two halves measure two things: what must not be possible, and what attention is for.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

SYMBOLS, COPIED = 8, 5
BOS, SEP, EOS = SYMBOLS, SYMBOLS + 1, SYMBOLS + 2
VOCAB_SIZE = SYMBOLS + 3
NUM_STEPS = 2 * COPIED + 3


def copy_batch(batch_size: int, *, generator: torch.Generator) -> Int[Tensor, "batch 13"]:
    """Sequences `<bos> x1 ... x5 <sep> x1 ... x5 <eos>`, with symbols from 0 to 7 drawn from `generator`."""
    symbols = torch.randint(SYMBOLS, (batch_size, COPIED), generator=generator)
    bos, sep, eos = (torch.full((batch_size, 1), token) for token in (BOS, SEP, EOS))
    return torch.cat([bos, symbols, sep, symbols, eos], dim=1)
