"""A layer more is the same price again, in parameters, FLOPs and seconds; whether it buys accuracy has to be measured.

All depths see the same data, initial values and batches from the same seed, so that only the depth differs.
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
    generator = torch.Generator().manual_seed(seed)
    train, test = (reversal_pairs(count, generator=generator) for count in (2048, 200))
    report = []
    for depth in depths:
        generator = torch.Generator().manual_seed(seed)
        model = build_transformer(replace(config, num_layers=depth))
        initialise(model, generator)
        started = process_time()
        fit(model, train, steps=steps, lr=lr, warmup=warmup, clip=1.0, generator=generator)
        row = {
            "depth": depth,
            "seconds": process_time() - started,
            "params": sum(parameter.numel() for parameter in model.parameters()),
            "flops": _forward_flops(model, test),
            "token_accuracy": _token_accuracy(model, test),
        }
        report.append(row)
    return report


def _forward_flops(model: EncoderDecoder, pairs: Pairs) -> int:
    src, src_lens, labels, _ = (part[:BATCH_SIZE] for part in pairs)
    return count_cost(model, src, teacher_forcing_inputs(labels, BOS), src_lens).flops


def _token_accuracy(model: EncoderDecoder, pairs: Pairs) -> float:
    src, src_lens, labels, label_lens = pairs
    decoded = greedy_decode(model, src, src_lens, BOS, EOS, max_steps=labels.shape[1])
    wanted = [row[: n - 1] for row, n in zip(labels.tolist(), label_lens.tolist(), strict=True)]  # without <eos>
    right: int = sum(a == b for got, row in zip(decoded, wanted, strict=True) for a, b in zip(got, row, strict=False))
    return right / sum(map(len, wanted))


def is_affine(xs: Sequence[float], ys: Sequence[float], rtol: float) -> bool:
    """Whether one line misses no point by more than `rtol` times the largest |y|."""
    points = sorted(zip(xs, ys, strict=True))
    if not points:
        return True
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = (y1 - y0) / (x1 - x0 or 1.0)  # where all points share their x, any line through the first will do
    farthest = max(abs(y0 + slope * (x - x0) - y) for x, y in points)
    return farthest <= rtol * max(map(abs, ys))
