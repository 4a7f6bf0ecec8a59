"""Accuracy from padded tensors, FLOPs under a lambda, and the line of least squares."""

import dataclasses
import time

import torch
from bahdanau import seq2seq_training
from given import config as sizes
from given import cost_counter, reversal
from transformer import train_transformer


def depth_report(depths, config, *, steps=200, lr=3e-3, warmup=20, seed=0):
    draw = torch.Generator()
    draw.manual_seed(seed)
    learn = reversal.reversal_pairs(2048, generator=draw)
    held_out = reversal.reversal_pairs(200, generator=draw)
    return [Trial(depth, config, seed).run(learn, held_out, steps, lr, warmup) for depth in depths]


class Trial:
    def __init__(self, depth, config, seed):
        self.depth = depth
        self.generator = torch.Generator().manual_seed(seed)
        sized = {**dataclasses.asdict(config), "num_layers": depth}
        self.model = train_transformer.build_transformer(sizes.TransformerConfig(**sized))
        sizes.initialise(self.model, self.generator)

    def run(self, learn, held_out, steps, lr, warmup):
        flops = self.flops(held_out)
        before = time.process_time()
        train_transformer.fit(
            self.model, learn, steps=steps, lr=lr, warmup=warmup, clip=1.0, generator=self.generator
        )  # fmt: skip
        after = time.process_time()
        return {
            "depth": self.depth,
            "params": sum(value.numel() for value in self.model.state_dict().values()) - self.tables(),
            "flops": flops,
            "seconds": after - before,
            "token_accuracy": self.accuracy(*held_out),
        }

    def tables(self):
        return sum(buffer.numel() for name, buffer in self.model.named_buffers() if name in self.model.state_dict())

    def flops(self, pairs):
        src, src_lens, labels = pairs[0][:64], pairs[1][:64], pairs[2][:64]
        shown = torch.ones_like(labels)
        shown[:, 1:] = labels[:, :-1]
        return cost_counter.count_cost(lambda: self.model(src, shown, src_lens)).flops

    def accuracy(self, src, src_lens, labels, label_lens):
        answers = seq2seq_training.greedy_decode(self.model, src, src_lens, 1, 2, labels.size(1))
        table = torch.full_like(labels, -1)
        for row, answer in zip(table, answers, strict=True):
            row[: len(answer)] = torch.tensor(answer, dtype=torch.long)
        counts = torch.arange(labels.size(1)) < (label_lens - 1).unsqueeze(1)
        return (table == labels)[counts].double().mean().item()


def is_affine(xs, ys, rtol):
    if not xs:
        return True
    y = torch.tensor(ys, dtype=torch.float64).reshape(-1, 1)
    x = torch.tensor(xs, dtype=torch.float64)
    A = torch.stack([torch.ones_like(x), x - x.mean()], dim=1)
    residual = y - A @ (torch.linalg.pinv(A) @ y)
    return bool(residual.abs().max() <= rtol * y.abs().max() + 1e-12 * y.abs().max())
