"""That it is as cheap as a dot product."""

from __future__ import annotations

from headcheck.compare import assert_that
from headcheck.costs import measure
from headcheck.properties import worth
from headcheck.strategies import normal

PRODUCTS = ("aten.mm", "aten.bmm", "aten.matmul", "aten.baddbmm", "aten.addmm")
LEAST_SECONDS = 0.002  # what a narrow run is taken to cost at least


@worth(1.5, hint="Is there a difference for every pair? The norm of a key needs no query.")
def no_difference_for_every_pair(student):
    """The largest tensor has one number for each pair, and 64 times the width costs far less than 64 times the CPU."""
    costs = {}
    for size in (4, 256):
        inputs = [normal((1, 256, size), 1), normal((1, 256, size), 2), normal((1, 256, 3), 3)]
        costs[size] = measure(student.DistanceAttention(0.0).eval(), *inputs)
    pairs = 256 * 256
    for size, cost in costs.items():
        found = f"for {pairs} pairs of width {size} there is a tensor of {cost.largest} numbers"
        assert_that(cost.largest <= 2 * pairs, found)
    slower = costs[256].cpu_seconds / max(costs[4].cpu_seconds, LEAST_SECONDS)
    assert_that(slower <= 20, f"64 times the width takes {slower:.0f} times the CPU")


@worth(1, hint="One product compares queries and keys; one applies the weights.")
def two_matrix_products_are_enough(student):
    """One for the scores and one for the average: no loop over examples or queries."""
    inputs = [normal((3, 4, 5), 1), normal((3, 6, 5), 2), normal((3, 6, 2), 3)]
    operations = measure(student.DistanceAttention(0.0).eval(), *inputs).operations
    found = [name for name in operations if name.startswith(PRODUCTS)]
    assert_that(1 <= len(found) <= 2, f"there are {len(found)} matrix products", operations=found)
