"""What anyone can check about pooling."""

import torch

from headcheck.compare import assert_close, assert_responds, assert_that
from headcheck.properties import worth
from headcheck.strategies import normal


def inputs(seed, count=5):
    """Queries, keys and values."""
    return [normal((size,), seed + i) for i, size in enumerate((3, count, count))]


@worth(1, gate=True, hint="Return one number for every query.")
def queries_get_an_answer(student):
    """The answer depends on the queries."""
    pooling = student.Pooling()
    queries, keys, values = inputs(1)
    assert_responds(lambda q: pooling(q.clone(), keys.clone(), values.clone(), torch.outer), queries, -queries)


@worth(1, hint="Keep what `weights` returns.")
def kept_weights_explain_the_answer(student):
    """The answer is the average of the values by the kept weights."""
    pooling = student.Pooling()
    queries, keys, values = inputs(2)
    answer = pooling(queries, keys, values, torch.outer)
    kept = pooling.attention_weights
    assert_close(kept.sum(-1), torch.ones(3), what="the sums of the kept weights")
    assert_close(answer, kept @ values, what="the answer")


@worth(2, hint="Return the loss of each step.")
def training_gets_better(student):
    """The reported losses fall, and so does the error on other queries."""
    pooling = student.Pooling()
    queries, keys, values = inputs(7)
    similarity = lambda q, k: -((q[:, None] - k) ** 2)  # noqa: E731
    targets = torch.tensor([values[(q - keys).abs().argmin()] for q in queries])
    fresh = keys[:3] + 0.01

    def error():
        return (pooling(fresh, keys, values, similarity) - values[:3]).abs().max().item()

    before = error()
    losses = student.fit(pooling, queries, keys, values, targets, similarity, 15)
    after = error()
    assert_that(isinstance(losses, list) and losses[-1] < losses[0], "the losses do not fall", losses=losses)
    assert_that(after < before, "the error on other queries has not fallen", before=before, after=after)
