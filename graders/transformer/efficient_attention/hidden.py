"""That both are cheap: counted in the worker, and timed by the kernel at lengths far apart."""

from __future__ import annotations

import torch

from headcheck.compare import assert_that
from headcheck.costs import measure
from headcheck.properties import worth
from headcheck.strategies import normal

SHORT, LONG = 512, 4096
LEAST_SECONDS = 0.002  # what a short run is taken to cost at least, so that noise is no reason to fail


def _tokens(n):
    return [normal((1, n, 4), seed) for seed in (1, 2, 3)]


def _assert_linear(attend, *, what):
    """Four times the tokens make at most 4.6 times the FLOPs and the largest tensor, 8 times at most 24 times the CPU.

    A quadratic solution would take 16 times the FLOPs or the memory, and 64 times the CPU.
    """
    small, large = (measure(*attend(*_tokens(n))) for n in (256, 1024))
    for name in ("flops", "largest"):
        before, after = getattr(small, name), getattr(large, name)
        grown = f"{what}: {name} grow from {before} to {after} when the length grows from 256 to 1024"
        assert_that(after <= 4.6 * before, grown)
    with torch.no_grad():
        short, long = (measure(*attend(*_tokens(n))).cpu_seconds for n in (SHORT, LONG))
    slower = long / max(short, LEAST_SECONDS)
    assert_that(slower <= 24, f"{what}: {LONG} tokens take {slower:.0f} times the CPU of {SHORT} tokens")


@worth(1.5, hint="Is there a tensor with a row and a column for every token? Gather each token's neighbours instead.")
def local_attention_is_linear(student):
    """At a fixed window FLOPs, memory and CPU grow like the length."""
    _assert_linear(lambda *tokens: (student.local_attention, *tokens, 3), what="local_attention")


@worth(1.5, hint="Which two of the three matrices can be multiplied first, so that no n by n matrix appears?")
def linear_attention_is_linear(student):
    """FLOPs, memory and CPU grow like the length, with causal=True as well."""
    _assert_linear(lambda *tokens: (student.linear_attention, *tokens), what="linear_attention")
    _assert_linear(lambda *tokens: (student.linear_attention, *tokens, True), what="causal linear_attention")
