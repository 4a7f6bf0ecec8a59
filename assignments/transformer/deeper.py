"""# How deep?

Every famous Transformer has more layers than the one before it. What does a layer cost, and what does it buy? Costs
come first, because they can be known without any training: here each layer adds the very same number of parameters and
of FLOPs, so both lie on a straight line over the depth. Whether the model gets better is another matter. A deeper model
can do more and is harder to train, and the second can eat up the first. So make a table, and look.

The task is to say sequences backwards (`given/reversal.py`). Write two functions.

* `depth_report(depths, config)` returns a list with one dictionary for each depth, in their order. From a generator,
  `torch.Generator().manual_seed(seed)`, it draws 2048 pairs to learn from, then 200 to be tested on, with
  `reversal_pairs`; all depths share them. Each depth starts a new generator from the same seed. It builds the
  Transformer of `config`, but with `num_layers` equal to the depth, in encoder and decoder; gives it initial values
  with `initialise(model, generator)` of `given/config.py`; and trains it with your `fit`, `clip=1.0` and the same
  generator. So nothing but the depth differs between two rows, and no row depends on the others. The keys:
  - `depth`;
  - `params`: how many numbers the model learns;
  - `flops`: those of one forward pass of the model on the first `BATCH_SIZE` test pairs, with the decoder inputs that
    it gets in training. Use `count_cost` of `given/cost_counter.py`;
  - `seconds`: what training took, all steps of `fit` together and nothing else, in seconds of CPU time by
    `time.process_time()`, which stands still while other programs run;
  - `token_accuracy`: let the model answer the test sources greedily, in at most as many steps as the labels are wide.
    Of all tokens of the right answers, without `<eos>`, it is the share that the model has in their place.
* `is_affine(xs, ys, rtol)` says whether the points lie on a line: is there a line `y = a + b * x` that misses no point
  by more than `rtol` times the largest `|y|`, measured along y? The points come in any order. Find the line as you
  like: our points lie either ten times closer to one than they need to, or ten times too far from all.
* *Beyond the book:* no points and a single point are on a line; two that share their x and not their y are not.
  And there may be no depths at all.

With `steps`, `lr` and `warmup` you can try other ways of training. A written question waits in `deeper.md`.

Example: the points (1, 5), (2, 7), (4, 11) are on the line `y = 3 + 2 * x`; `is_affine([1, 2, 4], [5, 7, 11], 1e-6)`
is `True`, and with 12 in place of 11 it is `False`. `depth_report([1, 2], TransformerConfig(13, 13))` was, on a machine
where others may get other seconds and last digits,

    [{"depth": 1, "params": 22253, "flops": 18452480, "seconds": 2.9, "token_accuracy": 0.987},
     {"depth": 2, "params": 43245, "flops": 36532224, "seconds": 5.5, "token_accuracy": 0.998}]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import process_time

import torch
from bahdanau.seq2seq_training import greedy_decode, teacher_forcing_inputs
from given.config import BATCH_SIZE, TransformerConfig, initialise
from given.cost_counter import count_cost
from given.dates import BOS, EOS, Pairs
from given.reversal import reversal_pairs
from given.seq2seq import EncoderDecoder
from transformer.train_transformer import build_transformer, fit


def depth_report(
    depths: Sequence[int],
    config: TransformerConfig,
    *,
    steps: int = 200,
    lr: float = 3e-3,
    warmup: int = 20,
    seed: int = 0,
) -> list[dict[str, float]]:
    """For each depth `depth`, `params`, `flops`, `seconds` and `token_accuracy` of a model that learns to reverse."""
    ...


def is_affine(xs: Sequence[float], ys: Sequence[float], rtol: float) -> bool:
    """Whether one line misses no point by more than `rtol` times the largest |y|."""
    ...
