"""Pooling against the reference."""

import torch

from headcheck.compare import assert_close, gradients
from headcheck.properties import worth
from headcheck.strategies import normal


@worth(3, hint="Scale the similarity by the width.")
def pooling_with_the_references_width_is_the_references(student, reference):
    """With the same width, the answers are the same."""
    pooling, right = student.Pooling(), reference.Pooling()
    right.load_state_dict({"width": torch.tensor(0.7)})
    pooling.load_state_dict(right.state_dict())
    queries, keys, values = (normal((size,), seed) for seed, size in enumerate((3, 5, 5)))
    answer = pooling(queries, keys, values, torch.outer)
    assert_close(answer, right(queries, keys, values, torch.outer).detach(), what="the answer")


@worth(2, hint="The width is a parameter.")
def the_width_learns(student, reference):
    """The gradient of the width is that of the reference."""
    pooling, right = student.Pooling(), reference.Pooling()
    pooling.load_state_dict(right.state_dict())
    arguments = [normal((size,), seed) for seed, size in enumerate((3, 5, 5))]
    widths = list(pooling.parameters())
    got = gradients(pooling(*arguments, torch.outer), widths)
    wanted = gradients(right(*arguments, torch.outer), list(right.parameters()))
    assert_close(got[0], wanted[0], what="the gradient of the width")
