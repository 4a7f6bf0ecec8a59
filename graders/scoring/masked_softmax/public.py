"""What anyone can check about a masked softmax."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import worth
from headcheck.strategies import generators, masked_scores, normal, padding

HINTS = (
    (
        "A softmax shares a weight of 1 among all scores that it sees. So padding has to be gone before it looks. "
        "Which score has an exponential of exactly 0?"
    ),
    (
        "You need a mask of the shape of X, or one that broadcasts to it. Number the positions of the keys with "
        "torch.arange and compare them with the lengths: which axes do the lengths need for that?"
    ),
    (
        "Look at masked_fill, and at reshape(batch, -1, 1), which serves both forms of lengths. Then think of a row "
        "without any valid key: 0 divided by 0 must not appear, not even in a gradient."
    ),
)

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
LENGTH_DTYPES = [torch.int32, torch.int16, torch.int8, torch.uint8]


def softmax_of_valid_keys(scores, padded):
    """What is wanted, row by row: the softmax of the valid keys alone, and zeros behind them."""
    rows = zip(scores.flatten(0, 1), ~padded.flatten(0, 1), strict=True)
    weights = [torch.zeros_like(row).masked_scatter(valid, row[valid].softmax(-1)) for row, valid in rows]
    return torch.stack(weights).view_as(scores)


@worth(1, gate=True, examples=20, hint="Return one weight for every score, in the shape of X.")
@given(case=masked_scores(lengths=["per example"], ones=False))
def scores_become_weights(student, case):
    """Scores go in, and weights of the same shape, which depend on them, come out."""
    weights = student.masked_softmax(case.scores, case.valid_lens)
    assert_shape(weights, tuple(case.scores.shape), what="weights")

    X, valid_lens = normal((2, 3, 5), seed=0), torch.tensor([3, 5])
    assert_not_copied(student.masked_softmax(X.clone(), valid_lens), X, what="weights")
    assert_responds(lambda X: student.masked_softmax(X.clone(), valid_lens), X, -X, what="weights")


@worth(1, hint="Mask before the softmax, not after it: then the valid keys share the whole weight of 1.")
@given(case=masked_scores())
def rows_sum_to_one(student, case):
    """The weights of a row are not negative and sum to 1."""
    weights = student.masked_softmax(case.scores, case.valid_lens)
    assert_shape(weights, tuple(case.scores.shape), what="weights")
    assert_that(bool((weights >= 0).all()), "a weight is negative or NaN", weights=weights)
    assert_close(weights.sum(-1), torch.ones(case.scores.shape[:2]), what="row sums")


@worth(1.5, hint="A weight of exactly 0 comes from a score of minus infinity; padding starts at p = length.")
@given(case=masked_scores(lengths=["per example", "per query"]))
def padded_positions_get_no_weight(student, case):
    """Positions past the valid length get a weight of exactly 0."""
    weights = student.masked_softmax(case.scores, case.valid_lens)
    assert_zero(weights, where=case.padded, what="weights")


@worth(2, hint="Cut a row off behind its valid length: the softmax of what is left is the answer.")
@given(case=masked_scores(lengths=["none", "per example"]))
def valid_keys_are_weighted_as_if_alone(student, case):
    """The valid keys get the softmax of their scores, as if the padding were not there."""
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    assert_close(student.masked_softmax(case.scores, case.valid_lens), wanted, what="weights")


@worth(1.5, examples=30, hint="Lengths (batch, queries) need one more axis to meet the positions of the keys.")
@given(case=masked_scores(lengths=["per query"]))
def each_query_may_have_its_own_length(student, case):
    """With lengths of shape (batch, queries), each row obeys its own."""
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    assert_close(student.masked_softmax(case.scores, case.valid_lens), wanted, what="weights")


@worth(0.5, examples=20, hint="A length of shape (batch,) belongs to an example, and so to all its queries.")
@given(case=masked_scores(lengths=["per example"]))
def one_length_per_example_serves_all_its_queries(student, case):
    """One length per example is the same as repeating it for each of its queries."""
    repeated = case.valid_lens[:, None].repeat(1, case.scores.shape[1])
    wanted = student.masked_softmax(case.scores.clone(), repeated)
    assert_shape(wanted, tuple(case.scores.shape), what="weights with repeated lengths")
    assert_close(student.masked_softmax(case.scores, case.valid_lens), wanted, what="weights")

    X, valid_lens = normal((3, 3, 4), seed=0), torch.tensor([1, 2, 4])  # as many queries as examples
    wanted = softmax_of_valid_keys(X, padding(valid_lens, (3, 3, 4)))
    assert_close(student.masked_softmax(X, valid_lens), wanted, what="weights of 3 examples with 3 queries each")


@worth(0.5, examples=20, hint="Compare positions with lengths; do not use a length as an index.")
@given(case=masked_scores(lengths=["per example", "per query"]))
def lengths_beyond_the_keys_count_as_all(student, case):
    """A length above the number of keys counts as all of them."""
    longer = 2 * case.valid_lens
    wanted = softmax_of_valid_keys(case.scores, padding(longer, tuple(case.scores.shape)))
    assert_close(student.masked_softmax(case.scores, longer), wanted, what="weights")


@worth(0.5, examples=20, hint="Positions can be compared with integers of any dtype; indexing is choosier.")
@given(case=masked_scores(lengths=["per example", "per query"]), dtype=st.sampled_from(LENGTH_DTYPES))
def lengths_may_have_any_integer_dtype(student, case, dtype):
    """The lengths mean the same in every integer dtype."""
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    assert_close(student.masked_softmax(case.scores, case.valid_lens.to(dtype)), wanted, what="weights")


@worth(1, examples=20, hint="Only differences count. Can a valid score reach the number you mask with?")
@given(case=masked_scores(dtype=torch.float64), generator=generators())
def adding_a_constant_to_a_row_changes_nothing(student, case, generator):
    """Adding the same number to all scores of a row leaves its weights as they are."""
    shift = 100 * torch.randn(*case.scores.shape[:2], 1, generator=generator, dtype=torch.float64)
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    assert_close(student.masked_softmax(case.scores + shift, case.valid_lens), wanted, what="weights")


@worth(0.5, examples=30, hint="Shuffled valid keys take their weights with them. Is one of them left out?")
@given(case=masked_scores(), generator=generators())
def order_of_the_valid_keys_does_not_matter(student, case, generator):
    """When the valid keys of a row change places, their weights change places with them."""
    order = torch.rand(case.scores.shape, generator=generator).masked_fill(case.padded, 1.0).argsort(-1)
    weights = student.masked_softmax(case.scores.clone(), case.valid_lens)
    assert_shape(weights, tuple(case.scores.shape), what="weights")
    wanted = weights.detach().gather(-1, order)
    assert_close(student.masked_softmax(case.scores.gather(-1, order), case.valid_lens), wanted, what="weights")


@worth(1, examples=20, hint="What do you compute from padded scores before they are masked? A maximum, a sum?")
@given(case=masked_scores(lengths=["per example", "per query"], poison=1e8))
def numbers_in_the_padding_do_not_matter(student, case):
    """Even a huge number in the padding has no influence on the weights."""
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    assert_close(student.masked_softmax(case.scores, case.valid_lens), wanted, what="weights")


@worth(1, examples=20, hint="exp(89) is infinite in float32. What may be subtracted from a row beforehand?")
@given(case=masked_scores())
def large_scores_stay_finite(student, case):
    """Scores of many thousands give the right weights, without overflow."""
    large = 1e4 * case.scores
    wanted = softmax_of_valid_keys(large, case.padded)
    assert_close(student.masked_softmax(large, case.valid_lens), wanted, atol=5e-3, what="weights")


@worth(0.5, examples=20, hint="Which lengths decide about an example? Only its own.")
@given(case=masked_scores(lengths=["per example", "per query"]))
def examples_do_not_see_each_other(student, case):
    """Each example alone gets the weights that it gets in the batch."""
    weights = student.masked_softmax(case.scores.clone(), case.valid_lens)
    assert_shape(weights, tuple(case.scores.shape), what="weights")
    for i in range(len(case.scores)):
        alone = student.masked_softmax(case.scores[i : i + 1], case.valid_lens[i : i + 1])
        assert_close(alone, weights[i : i + 1].detach(), what=f"weights of example {i} alone")


@worth(1, examples=20, hint="No .float() on the way out, and no number that float16 cannot hold.")
@given(case=masked_scores(dtype=torch.float64), dtype=st.sampled_from(DTYPES))
def dtype_of_the_scores_is_kept(student, case, dtype):
    """The weights have the dtype of the scores, also in half precision, and still sum to 1."""
    weights = student.masked_softmax(case.scores.to(dtype), case.valid_lens)
    assert_dtype(weights, dtype, what="weights")
    assert_finite(assert_shape(weights, tuple(case.scores.shape), what="weights"), what="weights")
    assert_zero(weights, where=case.padded, what="weights")
    ones = torch.ones(case.scores.shape[:2], dtype=torch.float64)
    assert_close(weights.double().sum(-1), ones, atol=1e-2, what="row sums")


@worth(1, examples=2, hint="Tensor operations only: no .detach(), .data, .item() or torch.no_grad().")
@given(generator=generators())
def gradient_is_the_derivative(student, generator):
    """The gradient of the weights is their derivative, and 0 at the padding."""
    X = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    valid_lens = torch.randint(1, 5, (2, 3), generator=generator)
    assert_gradcheck(lambda X: student.masked_softmax(X.clone(), valid_lens), X, what="weights")


@worth(1, group="robust", hint="The softmax of nothing is 0/0; the book's mask spreads such a row evenly.")
@given(
    case=masked_scores(lengths=["per example", "per query"], empty_rows=True),
    dtype=st.sampled_from([torch.int64, *LENGTH_DTYPES]),
)
def rows_without_keys_get_no_weight(student, case, dtype):
    """A row of length 0 gets weights of exactly 0, and the other rows are as ever."""
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    weights = student.masked_softmax(case.scores, case.valid_lens.to(dtype))
    assert_zero(weights, where=case.empty[..., None].expand_as(wanted), what="weights")
    assert_close(weights, wanted, what="weights")


@worth(1, group="robust", hint="A NaN replaced afterwards comes back in the gradient, as 0 * NaN.")
@given(
    case=masked_scores(lengths=["per example", "per query"], empty_rows=True, ones=False, dtype=torch.float64).filter(
        lambda case: not case.empty.all()
    ),
    generator=generators(),
)
def rows_without_keys_get_no_gradient(student, case, generator):
    """Padding and rows of length 0 get a gradient of exactly 0, never NaN, and all other scores get one."""
    X = case.scores.requires_grad_()
    weights = student.masked_softmax(X.clone(), case.valid_lens)
    assert_shape(weights, tuple(X.shape), what="weights")
    (gradient,) = gradients(weights * torch.randn(X.shape, generator=generator, dtype=X.dtype), [X], what="weights")
    assert_zero(gradient, where=case.padded, what="gradient of X")
    shared = ~case.padded & ((~case.padded).sum(-1, keepdim=True) > 1)
    assert_that(bool(gradient[shared].all()), "a valid score has no gradient", gradient=gradient)


@worth(1, group="robust", examples=30, hint="Make a new tensor; the book writes into the one it was given.")
@given(case=masked_scores(lengths=["per example", "per query"]))
def arguments_stay_as_they_are(student, case):
    """Neither the scores nor the lengths are changed, and the weights are right."""
    X, valid_lens = case.scores, 2 * case.valid_lens
    before = X.clone(), valid_lens.clone()
    wanted = softmax_of_valid_keys(X, padding(valid_lens, tuple(X.shape)))
    weights = student.masked_softmax(X, valid_lens)
    assert_unchanged(X, before[0], what="X")
    assert_unchanged(valid_lens, before[1], what="valid_lens")
    assert_close(weights, wanted, what="weights")


@worth(0.5, group="robust", examples=20, hint="A leaf may not be written into, and the book's code does.")
@given(case=masked_scores())
def leaves_that_require_grad_are_accepted(student, case):
    """The scores may be a leaf that requires grad."""
    wanted = softmax_of_valid_keys(case.scores, case.padded)
    assert_close(student.masked_softmax(case.scores.requires_grad_(), case.valid_lens), wanted, what="weights")


@worth(0.5, group="robust", examples=20, hint="The book masks with -1,000,000. What is below all scores?")
@given(case=masked_scores(dtype=torch.float64, lengths=["per example", "per query"]))
def scores_below_a_million_beat_the_padding(student, case):
    """Valid scores near -3,000,000 still share the whole weight, whatever stands in the padding."""
    low = (case.scores - 3e6).masked_fill(case.padded, 0.0)
    wanted = softmax_of_valid_keys(low, case.padded)
    assert_close(student.masked_softmax(low, case.valid_lens), wanted, what="weights")


@worth(0.5, group="robust", examples=30, hint="In float16 -1e6 is minus infinity: the book gives NaN.")
@given(
    case=masked_scores(dtype=torch.float64, lengths=["per example", "per query"], empty_rows=True),
    dtype=st.sampled_from(DTYPES),
)
def rows_without_keys_are_zero_in_every_dtype(student, case, dtype):
    """A row of length 0 gets zeros in half precision too."""
    weights = student.masked_softmax(case.scores.to(dtype), case.valid_lens)
    assert_dtype(weights, dtype, what="weights")
    assert_zero(weights, where=case.padded, what="weights")
    assert_close(weights.double().sum(-1), (~case.empty).double(), atol=1e-2, what="row sums")
