"""Parity with the reference, and the experiment itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_shape, assert_that
from headcheck.properties import worth

SIZES = [50, 100, 200, 400, 800, 1600]
SEEDS = list(range(20))


@worth(1, examples=5, hint="Follow one sample by hand: its seed, its bandwidth, its estimates, its error.")
@given(
    sizes=st.lists(st.integers(2, 60), min_size=1, max_size=4),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3),
)
def curves_equal_the_reference(student, reference, sizes, seeds):
    """With its own rules the curves are those of the reference, also where a size or a seed comes twice."""
    for rule, right in ((student.fixed(0.5), reference.fixed(0.5)), (student.shrinking(0.9), reference.shrinking(0.9))):
        wanted = reference.error_curve(sizes, seeds, right)
        found = student.error_curve(sizes, seeds, rule)
        assert_close(found, wanted, rtol=1e-4, atol=1e-5, what="the curve", dtype=False)


@worth(2, hint="Print the means over the seeds: which of the two curves does not do what it should?")
def more_samples_help_a_shrinking_kernel_alone(student):
    """From 50 to 1600 samples the error of a shrinking kernel falls to a quarter, that of a fixed one has a floor.

    With a width of 1 the mean over 20 seeds at 1600 is 0.85 to 1.05 of that at 100: measured 0.936 (0.945 for the next
    20 seeds). With `shrinking(0.9)` it falls with every doubling, to 0.25 of that at 50 or less: measured 0.150 and
    0.140, at a slope of -0.56 and -0.57. With the wrong sign of the exponent it stays at 1.00.
    """
    curves = [student.error_curve(SIZES, SEEDS, rule) for rule in (student.fixed(1.0), student.shrinking(0.9))]
    flat, falling = (assert_shape(curve, (len(SIZES), len(SEEDS)), what="the curve").mean(1) for curve in curves)
    share = (flat[-1] / flat[1]).item()
    assert_that(0.85 <= share <= 1.05, f"the fixed error at 1600 is {share:.2f} of that at 100, wanted 0.85 to 1.05")
    share = (falling[-1] / falling[0]).item()
    assert_that(share <= 0.25, f"the shrinking error at 1600 is {share:.2f} of that at 50, wanted at most 0.25")
    assert_that(bool((falling.diff() < 0).all()), "the shrinking error does not fall with every doubling")
    found = student.verdict(*curves)
    is_found = found["fixed_has_floor"] is True and found["shrinking_improves"] is True
    assert_that(is_found and -0.7 <= found["slope"] <= -0.4, f"the verdict on the two is {found}")
