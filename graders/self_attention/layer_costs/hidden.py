"""The costs against the reference, on sizes that no table of examples holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_that
from headcheck.properties import worth

KINDS = st.sampled_from(["conv", "rnn", "self_attention"]).map("".join)  # strings of their own: compare them by ==


@worth(1, hint="Write the formula of this kind down, and put the numbers in.")
@given(kind=KINDS, n=st.integers(2, 3000), d=st.integers(1, 600), half=st.integers(1, 9))
def all_three_equal_the_reference(student, reference, kind, n, d, half):
    """All three functions return what those of the reference return."""
    k = 2 * half + 1
    for name, arguments in (
        ("multiply_adds", (kind, n, d, k)),
        ("sequential_steps", (kind, n)),
        ("layers_to_connect", (kind, n, k)),
    ):
        wanted = getattr(reference, name)(*arguments)
        got = getattr(student, name)(*arguments)
        assert_that(isinstance(got, int) and got == wanted, f"{name}{arguments} is {got}, wanted {wanted}", got=got)
