"""That chunks save memory: counted, and enforced by the kernel."""

from __future__ import annotations

import math

import torch

from headcheck.compare import assert_close, assert_that
from headcheck.costs import measure
from headcheck.properties import worth
from headcheck.strategies import normal

CHUNK = 32


@worth(1, hint="Does anything in your function have a row for each query and a column for each key?")
def memory_grows_linearly(student):
    """At a fixed chunk, four times as many tokens need a largest tensor at most 5.2 times as large (exponent 1.2)."""
    largest = []
    for n in (256, 1024):
        X = normal((1, n, 4), n)
        largest.append(measure(student.chunked_attention, X.clone(), X, X, CHUNK).largest)
    assert_that(
        largest[1] <= 4**1.2 * largest[0],
        f"the largest tensor has {largest[0]} numbers for 256 tokens, {largest[1]} for 1024",
    )


@worth(1, hint="Is there a tensor with all the weights, or a list of pieces that together hold them?")
def ten_thousand_tokens_fit(student):
    """8,192 tokens, whose weights alone would be 256 MiB, go through the 224 MiB that a submission has here."""
    n = 8192
    queries, keys, values = normal((1, n, 4), 1), normal((1, n, 4), 2), normal((1, n, 4), 3)
    with torch.no_grad():
        output = student.chunked_attention(queries.clone(), keys, values, 256)
    some = slice(0, n, 1000)
    wanted = (queries[:, some] @ keys.transpose(1, 2) / math.sqrt(4)).softmax(-1) @ values
    assert_close(output[:, some], wanted, what="some rows of the output", rtol=1e-4, atol=1e-4)
