"""What anyone can check about the matrix of a step."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_dtype, assert_responds, assert_shape, assert_that
from headcheck.properties import worth
from headcheck.strategies import seeds

HINTS = (
    (
        "Take one hand of the clock, the pair (sin a, cos a), and let it go on by b. Write sin(a + b) and cos(a + b) "
        "with the addition theorems: which two by two matrix is that?"
    ),
    (
        "The angle of a step of delta is delta times the speed of the hand, and no position is in it. The speeds are "
        "those of your positional encoding."
    ),
    (
        "Each pair of columns gets a block of its own on the diagonal, zeros elsewhere; torch.block_diag builds that. "
        "Check with delta = 0, which must leave all as it is."
    ),
)

DOUBLE = torch.float64
CLOSE = {"rtol": 0.0, "atol": 1e-4, "dtype": False}
WIDTHS = st.sampled_from([2, 8, 4, 6, 16])


def encodings(positions, num_hiddens):
    """The encodings of these positions, (positions, num_hiddens), in float64."""
    column = torch.arange(num_hiddens, dtype=DOUBLE)
    angles = positions.to(DOUBLE)[:, None] / 10000 ** ((column - column % 2) / num_hiddens)
    return torch.where(column % 2 == 0, angles.sin(), angles.cos())


def shift(student, delta, num_hiddens):
    """The student's matrix, of the right shape; that of another step is another one."""
    assert_responds(lambda step: student.shift_matrix(step, num_hiddens), delta, delta + 1, what="matrix")
    found = student.shift_matrix(delta, num_hiddens)
    return assert_shape(found, (num_hiddens, num_hiddens), what="matrix").double()


def assert_moves(M, delta, positions, num_hiddens):
    """M takes the encodings of these positions `delta` further."""
    wanted = encodings(positions + delta, num_hiddens)
    what = f"P[i] moved by {delta}, for i = {positions.tolist()}"
    assert_close(encodings(positions, num_hiddens) @ M.T, wanted, what=what, **CLOSE)


@worth(1, gate=True, hint="Return a tensor of the shape (num_hiddens, num_hiddens), made from delta.", examples=6)
@given(delta=st.integers(1, 6), num_hiddens=WIDTHS)
def every_step_has_its_matrix(student, delta, num_hiddens):
    """The result is a square matrix as wide as the encodings, and another one for another step."""
    shift(student, delta, num_hiddens)


@worth(3, hint="sin(a + b) = sin a cos b + cos a sin b. Which of these four belong into the matrix?", examples=30)
@given(delta=st.integers(1, 50), num_hiddens=WIDTHS, seed=seeds())
def steps_forward_move_the_encodings(student, delta, num_hiddens, seed):
    """The matrix of a step takes the encoding of any position to that of the position so many steps on."""
    positions = torch.randint(0, 1000, (6,), generator=torch.Generator().manual_seed(seed))
    assert_moves(shift(student, delta, num_hiddens), delta, positions, num_hiddens)


@worth(1, hint="A step back turns the other way. Did the sign of delta survive?", examples=20)
@given(delta=st.integers(-50, -1), num_hiddens=WIDTHS, seed=seeds())
def steps_back_move_them_too(student, delta, num_hiddens, seed):
    """The matrix of a negative step takes the encoding of a position to that of an earlier one."""
    positions = torch.randint(50, 1000, (6,), generator=torch.Generator().manual_seed(seed))
    assert_moves(shift(student, delta, num_hiddens), delta, positions, num_hiddens)


@worth(1, hint="Nothing in the matrix may come from a position, only from delta.", examples=10)
@given(delta=st.sampled_from([3, -3, 700, -700]), num_hiddens=WIDTHS)
def one_matrix_serves_all_positions(student, delta, num_hiddens):
    """Far out, at positions in the ten thousands, the same matrix is right as at position 0."""
    positions = torch.tensor([0, 1, 2, 20_000, 31_415, 99_999])
    assert_moves(shift(student, delta, num_hiddens), delta, positions, num_hiddens)


@worth(1, hint="By which angle does a step of 0 turn a hand?", examples=4)
@given(num_hiddens=WIDTHS)
def no_step_is_the_identity(student, num_hiddens):
    """The matrix of a step of 0 is the identity."""
    wanted = torch.eye(num_hiddens, dtype=DOUBLE)
    assert_close(shift(student, 0, num_hiddens), wanted, what="shift_matrix(0)", **CLOSE)


@worth(1, hint="Angles of rotations add up. Are yours proportional to delta?", examples=20)
@given(first=st.integers(-9, 9), second=st.integers(-9, 9), num_hiddens=WIDTHS)
def steps_add_up(student, first, second, num_hiddens):
    """The product of the matrices of two steps is the matrix of the two steps together."""
    wanted = shift(student, first + second, num_hiddens)
    product = shift(student, first, num_hiddens) @ shift(student, second, num_hiddens)
    assert_close(product, wanted, what=f"shift_matrix({first}) @ shift_matrix({second})", **CLOSE)


@worth(1, hint="A rotation changes no length. Are the squares of cosine and sine in each row?", examples=10)
@given(delta=st.integers(-50, 50), num_hiddens=WIDTHS)
def lengths_are_kept(student, delta, num_hiddens):
    """The matrix is orthogonal: its transpose is its inverse."""
    M = shift(student, delta, num_hiddens)
    assert_close(M @ M.T, torch.eye(num_hiddens, dtype=DOUBLE), what="M @ M.T", **CLOSE)


@worth(0.5, hint="A reflection keeps lengths as well, but no hand of a clock jumps so. Check the signs.", examples=10)
@given(delta=st.integers(-50, 50), num_hiddens=WIDTHS)
def nothing_is_reflected(student, delta, num_hiddens):
    """Each pair is rotated and not reflected: the determinant of every block of two rows and columns is 1."""
    M = shift(student, delta, num_hiddens)
    blocks = torch.stack([M[i : i + 2, i : i + 2] for i in range(0, num_hiddens, 2)])
    ones = torch.ones(num_hiddens // 2, dtype=DOUBLE)
    assert_close(torch.linalg.det(blocks), ones, what="determinants of the blocks", **CLOSE)


@worth(1, hint="A hand does not know of the others. In which two columns of P does hand j live?", examples=10)
@given(delta=st.integers(-50, 50), num_hiddens=st.sampled_from([8, 4, 6, 16]))
def hands_do_not_mix(student, delta, num_hiddens):
    """Outside the blocks of two on its diagonal the matrix is 0, and inside it is not."""
    M = shift(student, delta, num_hiddens)
    pair = torch.arange(num_hiddens) // 2
    own = pair[:, None] == pair
    assert_close(M.masked_fill(own, 0), torch.zeros_like(M), what="matrix outside the blocks")
    assert_that(bool(M[own].any()), "the blocks on the diagonal are 0 as well", matrix=M)


@worth(1, hint="Find the angle of each block with atan2. By which factor does it shrink from pair to pair?", examples=8)
@given(num_hiddens=st.sampled_from([8, 4, 6, 16]))
def every_hand_has_its_speed(student, num_hiddens):
    """A step of 1 turns the first pair by one radian, and every later one by less, as the formula says."""
    M = shift(student, 1, num_hiddens)
    even = torch.arange(0, num_hiddens, 2)
    wanted = 10000.0 ** (-even.double() / num_hiddens)
    assert_close(torch.atan2(M[even, even + 1], M[even, even]), wanted, what="angle of each pair", **CLOSE)


@worth(0.5, hint="Give torch.arange dtype=torch.float64; converting the finished matrix brings no digit back.")
@given(delta=st.integers(-50, 50), num_hiddens=WIDTHS)
def digits_are_those_of_float64(student, delta, num_hiddens):
    """The matrix is float64, and right to nine digits."""
    M = assert_dtype(student.shift_matrix(delta, num_hiddens), DOUBLE, what="matrix")
    positions = torch.arange(5)
    wanted = encodings(positions + delta, num_hiddens)
    assert_shape(M, (num_hiddens, num_hiddens), what="matrix")
    assert_close(encodings(positions, num_hiddens) @ M.T, wanted, what=f"P[i] moved by {delta}, for i = 0, ..., 4")
