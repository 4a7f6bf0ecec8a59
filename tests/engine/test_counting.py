"""Counts are exact: matmul FLOPs, the largest storage made inside a call, the operations by name."""

from __future__ import annotations

import torch

from headcheck.counting import MAX_OPERATIONS, counted


def test_flops_are_two_for_each_multiply_add() -> None:
    """A (3, 4) by (4, 5) product multiplies and adds 60 times."""
    _, count = counted(lambda: torch.ones(3, 4) @ torch.ones(4, 5))
    assert count.flops == 120


def test_the_largest_storage_is_the_largest_intermediate() -> None:
    """Also when the result is small, and the input larger than all of it."""
    keys = torch.ones(100, 4)

    def gram() -> torch.Tensor:
        return (keys[:10] @ keys[:10].T).sum()

    result, count = counted(gram)
    assert result == 400
    assert count.largest == 100


def test_a_view_makes_no_storage() -> None:
    """Reshaping, expanding and changing in place allocate nothing."""
    X = torch.ones(6, 6)
    _, count = counted(lambda: X.view(36)[:4].zero_().expand(9, 4).T)
    assert count.largest == 0


def test_storages_are_counted_without_memory_too() -> None:
    """On the device `meta` a tensor has a size and no bytes."""
    X = torch.ones(8, 2, device="meta")
    _, count = counted(lambda: X @ X.T)
    assert count.largest == 64


def test_operations_are_named_in_order() -> None:
    """The names are those of the dispatcher."""
    _, count = counted(lambda: torch.ones(2, 3, 4).bmm(torch.ones(2, 4, 3)).tanh())
    assert count.operations[-2:] == ["aten.bmm.default", "aten.tanh.default"]


def test_a_long_computation_is_counted_whole_and_named_in_part() -> None:
    """A training loop dispatches a great many operations."""

    def loop() -> torch.Tensor:
        X = torch.ones(1)
        for _ in range(MAX_OPERATIONS + 10):
            X = X + 1
        return X @ torch.ones(1, 7)

    _, count = counted(loop)
    assert len(count.operations) == MAX_OPERATIONS
    assert count.flops == 14
    assert count.largest == 7
