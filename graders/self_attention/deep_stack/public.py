"""What anyone can check about the similarity of tokens and about the stack, without a solution at hand."""

from __future__ import annotations

from itertools import combinations

import torch
from hypothesis import given

from headcheck.compare import assert_number, assert_responds, assert_that, assert_unchanged
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes

HINTS = (
    (
        "A cosine is the dot product of two vectors of length 1. If all tokens are normalised first, one matrix "
        "product gives all cosines of a sequence."
    ),
    (
        "Every token is its own twin, so the diagonal says nothing. Which entries of the table are left, and what do "
        "you divide by?"
    ),
    (
        "Use one generator for everything, in order: the tokens, then each block as it is needed. With a residual the "
        "next X is X plus what the block returns. Note the similarity after each block."
    ),
)

SIMILARITY = "similarity"
SEEDS = 0, 1, 2
TOLERANCE = 1e-5
TOKENS = sizes(3, low=2)  # batch, positions, size


def mean_cosine(X):
    """The definition: over all pairs of all sequences, one by one."""
    cosines = [
        float(one @ other / (one.norm() * other.norm()))
        for tokens in X.double()
        for one, other in combinations(tokens, 2)
    ]
    return sum(cosines) / len(cosines)


def stack(student, depth, *, residual, seed):
    """What `similarity_by_depth` returns: a list of `depth` numbers between -1 and 1."""
    found = student.similarity_by_depth(depth, residual=residual, seed=seed)
    assert_that(isinstance(found, list | tuple), "similarity_by_depth does not return a list", got=found)
    assert_that(len(found) == depth, f"there are {len(found)} numbers after {depth} blocks", got=found)
    for block, number in enumerate(found, 1):
        assert_number(number, 0.0, atol=1 + 1e-4, what=f"the similarity after block {block}")
    return torch.tensor(found, dtype=torch.float64)


@worth(1, gate=True, hint="Begin with `token_similarity`: it returns one number, which depends on the tokens.")
def tokens_have_a_similarity(student):
    """`token_similarity` returns a number, another one for other tokens."""
    answer = student.token_similarity(normal((2, 4, 5), 0))
    is_one = isinstance(answer, float) or (isinstance(answer, torch.Tensor) and answer.numel() == 1)
    assert_that(is_one, "token_similarity does not return one number", got=answer)
    assert_responds(lambda X: student.token_similarity(X.clone()), normal((2, 4, 5), 0), normal((2, 4, 5), 1) + 1)


@worth(1, hint="Three pairs, three cosines, one mean; `.item()` makes a number of a tensor.")
def example_comes_out(student):
    """The example of the exercise comes out, as a Python number."""
    X = torch.tensor([[[2.0, 0.0], [0.0, 5.0], [1.0, 1.0]]])
    assert_number(student.token_similarity(X), 2**0.5 / 3, atol=TOLERANCE, what=SIMILARITY)


@worth(1, examples=12, hint="Which pairs of tokens make up the mean? A token is no partner for itself.")
@given(shape=TOKENS, seed=seeds())
def known_tokens_have_known_similarities(student, shape, seed):
    """Tokens of one direction have similarity 1, orthogonal ones 0, and two opposite ones -1."""
    batch, positions, size = shape
    direction = normal((batch, 1, size), seed)
    lengths = 1 + normal((batch, positions, 1), seed + 1).abs()
    assert_number(student.token_similarity(lengths * direction), 1.0, atol=TOLERANCE, what=f"{SIMILARITY} of equals")
    orthogonal = lengths * torch.eye(positions)
    assert_number(student.token_similarity(orthogonal), 0.0, atol=TOLERANCE, what=f"{SIMILARITY} of orthogonal tokens")
    opposite = torch.cat([direction, -2 * direction], dim=1)
    assert_number(student.token_similarity(opposite), -1.0, atol=TOLERANCE, what=f"{SIMILARITY} of opposite tokens")


@worth(2, examples=25, hint="Write the cosines of one sequence down as a table: which of its entries are pairs?")
@given(shape=TOKENS, seed=seeds())
def all_pairs_of_a_sequence_count(student, shape, seed):
    """The similarity is the mean cosine of all pairs of different tokens of the same sequence."""
    X = normal(shape, seed) + normal((shape[0], 1, shape[2]), seed + 1, scale=0.5)
    wanted = mean_cosine(X)
    assert_number(student.token_similarity(X), wanted, atol=TOLERANCE, what=SIMILARITY)


@worth(1, examples=12, hint="A cosine knows directions only: divide by the lengths of both tokens.")
@given(shape=TOKENS, seed=seeds())
def lengths_and_order_do_not_matter(student, shape, seed):
    """Neither stretching each token by a factor of its own nor another order of the tokens changes the similarity."""
    X = normal(shape, seed) + 0.5
    wanted = mean_cosine(X)
    lengths = torch.logspace(-3, 3, shape[1])[:, None]
    assert_number(student.token_similarity(lengths * X), wanted, atol=1e-4, what=f"{SIMILARITY} of stretched tokens")
    order = torch.randperm(shape[1], generator=torch.Generator().manual_seed(seed))
    assert_number(student.token_similarity(X[:, order]), wanted, atol=1e-4, what=f"{SIMILARITY} in another order")


@worth(1, examples=12, hint="Sequences do not meet: compute the cosines in each, and take the mean last.")
@given(shape=TOKENS, seed=seeds())
def sequences_do_not_mix(student, shape, seed):
    """The similarity of a batch is the mean of the similarities of its sequences."""
    X = normal(shape, seed) + normal((shape[0], 1, shape[2]), seed + 1, scale=2.0)
    alone = [student.token_similarity(X[i : i + 1].clone()) for i in range(shape[0])]
    for i, number in enumerate(alone):
        assert_number(number, mean_cosine(X[i : i + 1]), atol=1e-4, what=f"{SIMILARITY} of sequence {i} alone")
    assert_number(student.token_similarity(X), sum(alone) / len(alone), atol=1e-4, what=f"{SIMILARITY} of the batch")


@worth(1, hint="One number after each block, none before the first; and the seed decides about everything random.")
def there_is_a_number_after_each_block(student):
    """The list has one number for each block, the same for the same seed, and a deeper stack only adds to it."""
    deep = stack(student, 5, residual=True, seed=3)
    assert_responds(lambda seed: list(stack(student, 5, residual=True, seed=seed)), 3, 4, what="the list for a seed")
    for depth in (1, 3):
        less = stack(student, depth, residual=True, seed=3)
        assert_that(
            torch.allclose(less, deep[:depth], atol=1e-4),
            f"a stack of {depth} blocks does not begin as one of 5 does", after_3=less, after_5=deep,
        )  # fmt: skip


@worth(1.5, hint="Each block has to work on what the block before it returned. Without residual nothing else is left.")
def attention_alone_collapses(student):
    """Without residual connection the similarity is 0.2 to 0.75 after one block, and 0.98 or more after four.

    Measured over 40 seeds: 0.39 to 0.59 after one block, more than 0.9999 after four.
    """
    for seed in SEEDS:
        first, *_, fourth = stack(student, 4, residual=False, seed=seed).tolist()
        assert_that(0.2 <= first <= 0.75, f"after the first block the similarity is {first:.3f}, wanted 0.2 to 0.75")
        assert_that(fourth >= 0.98, f"after the fourth block the similarity is {fourth:.3f}, wanted 0.98 or more")


@worth(1.5, hint="What goes into the next block is what went into this one plus what came out.")
def residual_connections_slow_the_collapse(student):
    """With residual connection the similarity grows, but it is at most 0.75 after the fourth block.

    Measured over 40 seeds: 0.26 to 0.46 after the fourth block, at least 0.19 more than after the first.
    """
    for seed in SEEDS:
        first, *_, fourth = stack(student, 4, residual=True, seed=seed).tolist()
        assert_that(fourth <= 0.75, f"after the fourth block the similarity is {fourth:.3f}, wanted 0.75 or less")
        assert_that(fourth > first + 0.1, f"the similarity is {first:.3f} after one block and {fourth:.3f} after four")


@worth(0.5, group="robust", examples=8, hint="What is 0 divided by 0? Give the divisor a smallest value.")
@given(shape=TOKENS, seed=seeds())
def zeros_resemble_nothing(student, shape, seed):
    """The cosine of a token of zeros with any other counts as 0."""
    X = normal(shape, seed) + 1
    X[:, 0] = 0
    cosines = mean_cosine(X[:, 1:]) * (shape[1] - 1) * (shape[1] - 2) if shape[1] > 2 else 0.0
    wanted = cosines / (shape[1] * (shape[1] - 1))
    assert_number(student.token_similarity(X), wanted, atol=1e-4, what=SIMILARITY)


@worth(0.5, group="robust", examples=8, hint="`/=` and methods that end in _ change the caller's tensor.")
@given(shape=TOKENS, seed=seeds())
def tokens_are_left_alone(student, shape, seed):
    """The tokens are after the call what they were before."""
    X = normal(shape, seed)
    before, wanted = X.clone(), mean_cosine(X)
    assert_number(student.token_similarity(X), wanted, atol=1e-4, what=SIMILARITY)
    assert_unchanged(X, before, what="X")
