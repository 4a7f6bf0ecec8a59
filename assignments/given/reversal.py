"""The reversal task: say a sequence backwards.

    5 11 4 7   ->   7 4 11 5 <eos>

Which place a token goes to depends on where it stands and on nothing else, so only a model that knows positions can do
it; and whoever looks ahead at the answer while training learns nothing.
"""

from __future__ import annotations

import torch
from given.dates import EOS, PAD, Pairs
from torch.nn.utils.rnn import pad_sequence

FIRST_TOKEN, LAST_TOKEN = 3, 12
VOCAB_SIZE = LAST_TOKEN + 1
SHORTEST, LONGEST = 3, 6


def reversal_pairs(count: int, *, generator: torch.Generator) -> Pairs:
    """Sequences of 3 to 6 tokens, and the same backwards with `<eos>` at the end; padded, with their lengths."""
    lengths = torch.randint(SHORTEST, LONGEST + 1, (count,), generator=generator)
    rows = [torch.randint(FIRST_TOKEN, VOCAB_SIZE, (int(n),), generator=generator) for n in lengths]
    answers = [torch.cat([row.flip(0), row.new_tensor([EOS])]) for row in rows]
    src, labels = (pad_sequence(some, batch_first=True, padding_value=PAD) for some in (rows, answers))
    return src, lengths, labels, lengths + 1
