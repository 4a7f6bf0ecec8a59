"""What a report, a length and a chunked attention must be, whoever wrote them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_finite,
    assert_gradcheck,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import Inputs, normal, seeds

HINTS = (
    (
        "An output of attention is a quotient of two sums over the keys: weights times values, and weights. Both can "
        "be summed chunk by chunk. Which number would overflow on the way?"
    ),
    (
        "Keep the largest score so far for each query, and take all exponentials relative to it. When a chunk brings "
        "a larger one, by which factor is everything summed before too large?"
    ),
    (
        "So three things travel along: largest, sum of weights, sum of weighted values. At each chunk, update the "
        "largest, shrink both sums, add the chunk's; divide at the end."
    ),
)

FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
LENGTHS = [128, 256, 512, 1024]
MOST = 4 * 10**18
FULL_FLOPS = [4 * n * n * 32 for n in LENGTHS]  # two products of n by 32 by n, two FLOPs each
FULL_LARGEST = [n * n for n in LENGTHS]


@dataclass
class _Budget:
    n: int
    heads: int
    batch: int
    budget: int


@dataclass
class _Case(Inputs):
    queries: Tensor
    keys: Tensor
    values: Tensor
    chunk: int

    @property
    def args(self):
        return self.queries, self.keys, self.values, self.chunk


@st.composite
def _cases(draw, *, scale=2.0, dtype=torch.float64):
    """Queries, keys, values and a chunk: of 1, of some, of all keys, and of more than there are."""
    batch, queries, keys, size, value_size = draw(
        st.sampled_from([(2, 3, 7, 4, 5), (1, 1, 1, 3, 2), (3, 5, 4, 2, 1), (2, 2, 6, 6, 6)])
    )
    chunk = draw(st.sampled_from([1, 2, 3, keys, keys + 2]))
    seed = draw(seeds())
    return _Case(
        normal((batch, queries, size), seed, scale=scale, dtype=dtype),
        normal((batch, keys, size), seed + 1, scale=scale, dtype=dtype),
        normal((batch, keys, value_size), seed + 2, dtype=dtype),
        chunk,
    )


def _full(queries, keys, values):
    scores = queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[-1])
    return scores.softmax(-1) @ values


@worth(1, gate=True, hint="Return a dictionary with `flops`, `largest` and `exponents`.")
def a_report_has_its_parts(student):
    """scaling_report returns a list of FLOPs, a list of largest tensors, and an exponent for each of the two."""
    report = student.scaling_report(student.projection_run, [32, 64, 128])
    assert_that(isinstance(report, dict), "scaling_report returns no dictionary", report=report)
    for name in ("flops", "largest"):
        assert_that(isinstance(report.get(name), list) and len(report[name]) == 3, f"`{name}` is no list of 3 numbers")
    exponents = report.get("exponents")
    assert_that(isinstance(exponents, dict), "`exponents` is no dictionary", exponents=exponents)
    other = student.scaling_report(student.matrix_product_run, [32, 64, 128])
    assert_that(report["flops"] != other["flops"], "two different computations have the same FLOPs")


@worth(1, gate=True, hint="The output has a row for each query, as wide as the values.")
def chunked_attention_answers(student):
    """chunked_attention returns (batch, queries, value_size), and another key changes it."""
    queries, keys, values = normal((2, 3, 4), 1), normal((2, 5, 4), 2), normal((2, 5, 6), 3)
    assert_shape(student.chunked_attention(queries, keys, values, 2), (2, 3, 6), what="output")
    assert_responds(lambda x: student.chunked_attention(queries.clone(), x, values, 2), keys, keys.roll(1, 1))
    assert_responds(lambda x: student.chunked_attention(queries.clone(), keys, x, 2), values, values.roll(1, 1))


@worth(1, hint="`count_cost(f, n)` calls `f(n)` once and counts both figures.")
def costs_are_those_of_full_attention(student):
    """For full attention both lists are exact, in the order of the lengths."""
    report = student.scaling_report(student.full_attention_run, LENGTHS)
    assert_that(list(report["flops"]) == FULL_FLOPS, f"flops, wanted {FULL_FLOPS}", flops=report["flops"])
    assert_that(list(report["largest"]) == FULL_LARGEST, f"largest, wanted {FULL_LARGEST}", largest=report["largest"])


@worth(1, hint="Logarithms on both axes; how much does one rise when the other rises by 1?")
def exponents_say_how_a_cost_grows(student):
    """Full attention is quadratic in both, a projection linear, a matrix product cubic in FLOPs."""
    known = [("full_attention_run", 2, 2), ("projection_run", 1, 1), ("matrix_product_run", 3, 2)]
    for run, flops, largest in known:
        exponents = student.scaling_report(getattr(student, run), [64, 128, 256])["exponents"]
        for name, wanted in (("flops", flops), ("largest", largest)):
            assert_number(exponents.get(name), wanted, what=f"exponent of {run}'s {name}", atol=1e-6)


@worth(1, hint="Only the last three lengths count, and all three of them, whatever their spacing.")
def exponents_look_at_the_last_three_lengths(student):
    """Early lengths, where fixed costs rule, are left out, and the last three are fitted by least squares."""
    lengths = [2, 4, 20, 50, 300]
    report = student.scaling_report(student.full_attention_run, lengths)
    x, y = (torch.tensor(v[-3:], dtype=torch.float64).log() for v in (lengths, [max(32 * n, n * n) for n in lengths]))
    wanted = (((x - x.mean()) * y).sum() / (x - x.mean()).square().sum()).item()
    assert_number(report["exponents"]["largest"], wanted, what="exponent of the largest tensor", atol=1e-6)


@st.composite
def _budgets(draw):
    """A length, heads, a batch, and a budget that this length fits and the next does not."""
    heads, batch = draw(st.integers(1, 16)), draw(st.integers(1, 64))
    n = draw(st.integers(1, math.isqrt(MOST // (heads * batch)) - 1))
    spare = draw(st.sampled_from([0, 1, heads * batch * (2 * n + 1) - 1]))
    return _Budget(n, heads, batch, heads * batch * n * n + spare)


@worth(1, examples=40, hint="n * n * heads * batch must fit; one more must not.")
@given(case=_budgets())
def the_largest_length_fits_exactly(student, case):
    """It fits, and one token more does not, however large the budget."""
    n, heads, batch, budget = case.n, case.heads, case.batch, case.budget
    got = student.max_length_for(budget, heads, batch)
    assert_that(type(got) is int, "max_length_for returns no int", got=got)
    assert_that(got == n, f"a budget of {budget} for {heads} heads and {batch} examples: wanted {n}", got=got)


@worth(0.5, hint="What if not even one weight for each head and example fits?")
def no_budget_no_length(student):
    """A budget below one token for each head and example leaves length 0."""
    for budget, heads, batch in [(0, 1, 1), (7, 4, 2), (95, 12, 8)]:
        got = student.max_length_for(budget, heads, batch)
        assert_that(got == 0, f"a budget of {budget} for {heads} heads and {batch} examples: wanted 0", got=got)


@worth(2, examples=40, hint="When the largest score grows, both old sums shrink by the same factor.")
@given(case=_cases())
def chunked_equals_full(student, case):
    """The output is that of full attention, whatever the chunk."""
    wanted = _full(case.queries, case.keys, case.values)
    assert_close(student.chunked_attention(*case.args), wanted, what="output", rtol=1e-9, atol=1e-9)


@worth(1, examples=20, hint="How large may the number be whose exponential you take?")
@given(case=_cases(scale=100.0, dtype=torch.float32))
def large_scores_stay_finite(student, case):
    """With scores of 10,000, of either sign, the output is finite and still that of full attention."""
    wanted = _full(case.queries, case.keys, case.values)
    got = assert_finite(student.chunked_attention(*case.args), what="output")
    assert_close(got, wanted, what="output", rtol=1e-4, atol=1e-4)


@worth(0.5, hint="In which order may the largest score arrive?")
def the_largest_score_may_come_at_any_time(student):
    """First, in the middle or last: the keys' order does not matter."""
    queries, keys, values = normal((2, 3, 4), 5), normal((2, 7, 4), 6, scale=6.0), normal((2, 7, 5), 7)
    wanted = _full(queries, keys, values)
    for shift in range(7):
        got = student.chunked_attention(queries.clone(), keys.roll(shift, 1), values.roll(shift, 1), 3)
        assert_close(got, wanted, what=f"output for keys and values rotated by {shift}", rtol=1e-4, atol=1e-4)


@worth(1, hint="Every step has to be a torch operation that stays in the graph.")
def gradients_are_derivatives(student):
    """The gradients for queries, keys and values are the output's derivatives."""
    inputs = [normal(shape, i, dtype=torch.float64) for i, shape in enumerate([(1, 2, 3), (1, 5, 3), (1, 5, 2)])]
    assert_gradcheck(
        lambda *args: student.chunked_attention(*args, 2), *(x.requires_grad_() for x in inputs), what="output"
    )


@worth(0.5, hint="What you make yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """The output has the dtype of the inputs, float64 to float16."""
    for dtype in FLOATS:
        args = normal((1, 2, 4), 1, dtype=dtype), normal((1, 5, 4), 2, dtype=dtype), normal((1, 5, 3), 3, dtype=dtype)
        assert_finite(assert_dtype(student.chunked_attention(*args, 2), dtype, what="output"), what="output")


@worth(0.5, group="robust", hint="Look for /= and *=, and for functions whose name ends in an underscore.")
def arguments_are_left_alone(student):
    """Queries, keys and values are the same after the call."""
    inputs = {"queries": normal((2, 3, 4), 1), "keys": normal((2, 5, 4), 2), "values": normal((2, 5, 6), 3)}
    before = {name: x.clone() for name, x in inputs.items()}
    student.chunked_attention(**inputs, chunk=2)
    for name, x in inputs.items():
        assert_unchanged(x, before[name], what=name)


@worth(0.5, hint="Does anything reach from one example to another?")
def examples_do_not_mix(student):
    """Each example alone gets what it gets in the batch."""
    queries, keys, values = normal((3, 3, 4), 1, scale=3.0), normal((3, 5, 4), 2, scale=3.0), normal((3, 5, 6), 3)
    together = student.chunked_attention(queries.clone(), keys, values, 2)
    for i in range(3):
        alone = student.chunked_attention(queries[i : i + 1], keys[i : i + 1], values[i : i + 1], 2)
        assert_close(alone, together[i : i + 1], what=f"output of example {i} alone", rtol=1e-5, atol=1e-5)
