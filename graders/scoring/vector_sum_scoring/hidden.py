"""What a sum can learn, and whether the student's own measurement says so."""

from __future__ import annotations

from functools import cache

import torch
from given.recall import SIZE, recall_batch, recall_loss

from headcheck.compare import assert_close, assert_measured, assert_number, assert_shape, assert_that, record
from headcheck.properties import worth
from headcheck.strategies import normal

STEPS, BATCH, TESTED = 200, 64, 1000
SEEDS = (1, 2)


def started(solution, seed, *, dropout=0.0):
    """A module whose `w` is far enough from 0 for training to have something to do."""
    m = solution.SumAttention(SIZE, dropout)
    m.load_state_dict({"w.weight": normal((1, SIZE), seed, scale=0.25)}, strict=False)
    return m


def accuracy(m, seed):
    """How often a module is right on the examples on which `recall_accuracy` must measure it."""
    queries, keys, values, targets = recall_batch(TESTED, generator=torch.Generator().manual_seed(seed + 1))
    with torch.no_grad():
        outputs = assert_shape(m.eval()(queries, keys, values), (TESTED, 1, values.shape[-1]), what="output")
    return (outputs[:, 0].argmax(-1) == targets).double().mean().item()


@cache
def trained(reference, seed):
    """The module of the reference after the training described."""
    m = started(reference, seed)
    train(m, seed)
    return m


def train(m, seed):
    """The training that `recall_accuracy` must do; returns the losses."""
    losses = []
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(list(m.parameters()), lr=1e-2)
    for _ in range(STEPS):
        queries, keys, values, targets = recall_batch(BATCH, generator=generator)
        loss = recall_loss(assert_shape(m(queries, keys, values), (BATCH, 1, values.shape[-1]), what="output"), targets)
        assert_that(loss.requires_grad, "no gradient reaches the parameters: they stay as they are")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@worth(1, training=True, hint="Can a score that treats all queries alike recall? If yours can, it mixes query and key.")
def sum_cannot_recall(student):
    """However it is trained, `SumAttention` does no better than naming the commonest class: a third right, not half.

    Measured over 10 seeds: 0.304 to 0.352. What mixes query and key: a product of the two scores 0.403 to 0.452, a relu
    of the sum 0.562 to 0.620, an elementwise product 0.991 to 0.998; over 5 seeds a square of the sum 0.868 to 0.894. A
    tanh of the sum (0.320 to 0.349) learns nothing in 200 steps either: other properties see it.
    """
    for seed in SEEDS:
        m = started(student, seed)
        record("the loss", train(m, seed))
        reached = accuracy(m, seed)
        assert_measured(reached, at_least=0.25, at_most=0.38, what="the share of new examples that it has right")


@worth(2, training=True, hint="Train the module itself, all 200 steps; then measure on examples it has not seen.")
def accuracy_is_that_of_the_trained_module(student, reference):
    """`recall_accuracy` trains the module and returns how often it is right then, to within 0.02."""
    for seed in SEEDS:
        m, wanted = started(student, seed), accuracy(trained(reference, seed), seed)
        assert_number(student.recall_accuracy(m, seed=seed), wanted, atol=0.02, what="recall_accuracy")
        assert_number(accuracy(m, seed), wanted, atol=0.02, what="accuracy of the module that you trained")


@worth(1, training=True, hint="Compare with the description: the optimizer, its rate, the steps, the two generators.")
def training_is_the_one_described(student, reference):
    """After `recall_accuracy` the module has the `w` of the training described, and the returned number is its own.

    Measured over 6 seeds, as the largest difference in a component of `w`: right solutions below 1e-7, 150 steps
    at least 0.043, other data 0.058, 20 steps or plain gradient descent 0.15, gradients never cleared 0.6.
    """
    for seed in SEEDS:
        m, r = started(student, seed), trained(reference, seed)
        returned = student.recall_accuracy(m, seed=seed)
        assert_number(returned, accuracy(m, seed), atol=0.002, what="recall_accuracy")
        assert_close(m.w.weight, r.w.weight, atol=1e-3, what="w after training")
    m = started(student, seed, dropout=0.5)
    student.recall_accuracy(m, seed=seed)
    moved = (m.w.weight - r.w.weight).abs().max().item()
    assert_that(moved > 1e-3, "dropout changes nothing in the training: is it done in evaluation mode?")
