"""Rules as classes, an empty table filled entry by entry, the slope from a matrix equation."""

import torch
from given.noisy_curve import noisy_samples, test_points, true_curve
from kernel_regression.average_and_kernel_pooling import nw_pooling


class Fixed:
    def __init__(self, h):
        self.h = h

    def __call__(self, x):
        return float(self.h)


class Shrinking:
    def __init__(self, c):
        self.c = c

    def __call__(self, x):
        return float(self.c * torch.std(x) / x.numel() ** 0.2)


fixed, shrinking = Fixed, Shrinking


def error_curve(sample_sizes, seeds, bandwidth):
    table = torch.zeros(len(sample_sizes), len(seeds), dtype=torch.float64)
    for j, seed in enumerate(seeds):
        for i, n in enumerate(sample_sizes):
            generator = torch.Generator()
            generator.manual_seed(seed)
            x, y = noisy_samples(n, generator=generator)
            estimates = nw_pooling(test_points(), x, y, bandwidth=bandwidth(x))[0]
            table[i, j] = torch.nn.functional.mse_loss(estimates, true_curve(test_points()))
    return table


def verdict(curve_fixed, curve_shrinking):
    flat, falling = torch.mean(curve_fixed, dim=1), torch.mean(curve_shrinking, dim=1).double()
    log_n = (50 * 2.0 ** torch.arange(falling.numel(), dtype=torch.float64)).log()
    line = torch.stack([log_n, torch.ones_like(log_n)], dim=1)
    slope = torch.linalg.lstsq(line, falling.log()[:, None]).solution[0, 0]
    falls = all(after < before for before, after in zip(falling[:-1].tolist(), falling[1:].tolist(), strict=True))
    return {
        "slope": float(slope),
        "fixed_has_floor": bool((flat[0] - flat[-1]) / flat[0] < 0.25),
        "shrinking_improves": falls and falling[-1].item() / falling[0].item() <= 0.25,
    }
