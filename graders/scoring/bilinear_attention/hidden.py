"""Parity with the reference, and what it learns."""

from __future__ import annotations

import torch
from given.recall import SIZE, recall_batch, recall_loss
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_measured, assert_shape, assert_that, record
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal

QUERY_SIZE = 12
STEPS, BATCH, TESTED = 200, 64, 1000
SEEDS = range(2)
ENOUGH = 0.95
SHARE = "the share of new examples that it has right"


@worth(3, examples=30, hint="Compare with (W q) . k / sqrt(key_size), computed by hand for one query and one key.")
@given(
    case=st.one_of(
        attention_inputs(dtype=torch.float64),
        attention_inputs(query_size=7, key_size=7, value_size=7, dtype=torch.float64),
    )
)
def attention_equals_the_reference(student, reference, case):
    """With the same `W`, small or large, output and weights are those of the reference."""
    sizes = case.queries.shape[-1], case.keys.shape[-1]
    m, r = student.BilinearAttention(*sizes, 0.0).double(), reference.BilinearAttention(*sizes, 0.0).double()
    for state in (r.state_dict(), amplify(r.state_dict(), 1, scale=4.0)):
        r.load_state_dict(state)
        m.load_state_dict(state, strict=False)
        wanted = r(*case.args)
        assert_close(m(*case.args), wanted, what="output")
        assert_close(m.attention_weights, r.attention_weights, what="attention_weights")


@worth(3, training=True, hint="Does the gradient reach W? Does a weight depend on both query and key?")
def training_teaches_it_to_recall(student):
    """Trained for 200 steps on queries shorter than the keys, it names the right class in 95 % of new examples.

    Queries are seen through a fixed projection to 12 of the 16 directions of the keys. Measured over 10 seeds: 0.968 to
    0.990; softmax over the queries at most 0.36, keys reshaped 0.38, sigmoid for softmax 0.57. Over 5 seeds: `W` never
    trained at most 0.39, no softmax 0.92. Wrong scales and a tanh learn it as well (0.951 to 0.991): others see them.
    """
    for seed in SEEDS:
        accuracy = trained_accuracy(student.BilinearAttention(QUERY_SIZE, SIZE, 0.0), seed)
        assert_measured(accuracy, at_least=ENOUGH, what=SHARE)


def trained_accuracy(m, seed):
    """Train from initial values of our own, and measure on fresh data."""
    generator = torch.Generator().manual_seed(seed)
    m.load_state_dict({"W.weight": normal((SIZE, QUERY_SIZE), seed, scale=0.1)}, strict=False)
    projection = torch.linalg.qr(torch.randn(SIZE, QUERY_SIZE, generator=generator)).Q  # (key_size, query_size)
    optimizer = torch.optim.Adam(list(m.parameters()), lr=1e-2)
    for _ in range(STEPS):
        queries, keys, values, targets = recall_batch(BATCH, generator=generator)
        outputs = assert_shape(m(queries @ projection, keys, values), (BATCH, 1, values.shape[-1]), what="output")
        loss = recall_loss(outputs, targets)
        record(SHARE, (outputs[:, 0].argmax(-1) == targets).double().mean())
        record("the loss", loss)
        assert_that(loss.requires_grad, "no gradient reaches the parameters: they stay as they are")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    queries, keys, values, targets = recall_batch(TESTED, generator=generator)
    with torch.no_grad():
        outputs = m.eval()(queries @ projection, keys, values)
    return (outputs[:, 0].argmax(-1) == targets).double().mean().item()
