"""Ways to get the matrix of a step wrong."""

import torch
from self_attention.positional_encoding import PositionalEncoding
from self_attention.relative_rotation import shift_matrix as _shift_matrix


def _blocks(angles):
    """The right matrix for these angles, one for each pair."""
    sin, cos = angles.double().sin(), angles.double().cos()
    return torch.block_diag(*torch.stack([cos, sin, -sin, cos], dim=-1).reshape(-1, 2, 2))


def _exponents(num_hiddens):
    return torch.arange(0, num_hiddens, 2).double() / num_hiddens


def transposed_blocks(delta, num_hiddens):
    """Your matrix goes back where it should go on. In which order do sine and cosine stand in P?"""
    return _shift_matrix(delta, num_hiddens).T


def reflections(delta, num_hiddens):
    """Your blocks reflect: a step of 0 turns the cosines over. Which of the four entries has the minus?"""
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(num_hiddens // 2)
    return _shift_matrix(delta, num_hiddens) * signs[:, None]


def no_minus(delta, num_hiddens):
    """None of your entries has a minus, so your hands grow. What is cos(a + b)?"""
    above = _shift_matrix(delta, num_hiddens).triu()
    return above + above.triu(1).T


def sine_and_cosine_swapped(delta, num_hiddens):
    """You have sines where cosines belong. What should a step of 0 do?"""
    angles = delta / 10000 ** _exponents(num_hiddens)
    return _blocks(torch.pi / 2 - angles)


def frequency_of_the_next_pair(delta, num_hiddens):
    """Each of your pairs turns at the speed of the next one. What is the exponent of the first pair?"""
    return _blocks(delta / 10000 ** (_exponents(num_hiddens) + 2 / num_hiddens))


def frequencies_reversed(delta, num_hiddens):
    """Your last pair is the fastest. What is the exponent of the first pair?"""
    return _blocks(delta / 10000 ** _exponents(num_hiddens).flip(0))


def exponent_halved(delta, num_hiddens):
    """You left out the 2 of the exponent. Is your index j or 2j?"""
    return _blocks(delta / 10000 ** (_exponents(num_hiddens) / 2))


def exponent_doubled(delta, num_hiddens):
    """You counted the 2 of the exponent twice. Is your index j or 2j?"""
    return _blocks(delta / 10000 ** (2 * _exponents(num_hiddens)))


def base_one_thousand(delta, num_hiddens):
    """Your slow pairs turn too fast. Which number does the formula raise to a power?"""
    return _blocks(delta / 1000 ** _exponents(num_hiddens))


def multiplied_by_the_power(delta, num_hiddens):
    """You multiply the step by the power where it has to be divided. Should later pairs turn faster?"""
    return _blocks(delta * 10000 ** _exponents(num_hiddens))


def same_turn_for_all_pairs(delta, num_hiddens):
    """You turn every pair by delta radians. Which hands move that fast?"""
    return _blocks(delta * torch.ones(num_hiddens // 2))


def only_the_first_pair_turns(delta, num_hiddens):
    """Only your first hand moves. What do the slower ones do in the meantime?"""
    M = torch.eye(num_hiddens, dtype=torch.float64)
    M[:2, :2] = _shift_matrix(delta, num_hiddens)[:2, :2]
    return M


def one_speed_per_column(delta, num_hiddens):
    """The two columns of a pair have speeds of their own in your matrix. Which angle do they share?"""
    angles = delta / 10000 ** (torch.arange(num_hiddens).double() / num_hiddens)
    sin, cos = angles.sin(), angles.cos()
    even = torch.arange(num_hiddens) % 2 == 0
    return torch.diag(cos) + torch.diag((sin * even)[:-1], 1) - torch.diag((sin * ~even)[1:], -1)


def sign_of_delta_lost(delta, num_hiddens):
    """You step forward even when delta is negative. What does `abs` throw away?"""
    return _shift_matrix(abs(delta), num_hiddens)


def steps_back_stay(delta, num_hiddens):
    """A step back goes nowhere. Does your formula need delta to be positive?"""
    return _shift_matrix(max(delta, 0), num_hiddens)


def one_step_too_far(delta, num_hiddens):
    """You step one position too far. What is the matrix of a step of 0?"""
    return _shift_matrix(delta + 1, num_hiddens)


def steps_multiplied_instead_of_composed(delta, num_hiddens):
    """You scale the matrix of one step by delta, which makes the hands longer. How are two rotations joined?"""
    return delta * _shift_matrix(1, num_hiddens)


def power_taken_of_each_entry(delta, num_hiddens):
    """You raise each entry to a power. What is the difference between `M ** 2` and `M @ M`?"""
    return _shift_matrix(1, num_hiddens).abs().clamp(min=1e-9) ** delta


def halves_layout(delta, num_hiddens):
    """Your matrix is right for a table with all sines first. Which columns are neighbours in P?"""
    M = _shift_matrix(delta, num_hiddens)
    order = torch.cat([torch.arange(0, num_hiddens, 2), torch.arange(1, num_hiddens, 2)])
    return M[order][:, order]


def pairs_out_of_step(delta, num_hiddens):
    """Your pairs are the columns 1 and 2, 3 and 4, and so on. In which column does the first one begin?"""
    return _shift_matrix(delta, num_hiddens).roll((1, 1), (0, 1))


def positions_shifted(delta, num_hiddens):
    """Your matrix moves numbers to other columns. Do the features move, or the position?"""
    return torch.eye(num_hiddens, dtype=torch.float64).roll(delta, 0)


def angles_in_degrees(delta, num_hiddens):
    """You convert the angles to degrees. What unit do `sin` and `cos` take?"""
    return _blocks(torch.rad2deg(delta / 10000 ** _exponents(num_hiddens)))


def small_angles_only(delta, num_hiddens):
    """You put the angle where its sine belongs, which is right for small ones only. How far do fast hands turn?"""
    angles = delta / 10000 ** _exponents(num_hiddens)
    return torch.block_diag(*torch.stack([angles**0, angles, -angles, angles**0], dim=-1).reshape(-1, 2, 2))


def fitted_to_the_first_position(delta, num_hiddens):
    """Your matrix is right at position 0 only. At how many positions must one matrix be right?"""
    P = PositionalEncoding(num_hiddens, 0.0, abs(delta) + 1).P[0].double()
    return torch.outer(P[-1], P[0]) / P[0].square().sum()


def fitted_to_a_few_positions(delta, num_hiddens):
    """You fitted your matrix to a few positions, and beyond them it is wrong. What is the formula of sin(a + b)?"""
    P = PositionalEncoding(num_hiddens, 0.0, abs(delta) + num_hiddens).P[0].double()
    start, stop = max(0, -delta), max(0, -delta) + num_hiddens // 2
    return (torch.linalg.pinv(P[start:stop]) @ P[start + delta : stop + delta]).T


def scaled_to_unit_length(delta, num_hiddens):
    """You divide the matrix by its norm, so encodings shrink. Which length must a rotation keep?"""
    M = _shift_matrix(delta, num_hiddens)
    return M / M.norm()


def computed_in_float32(delta, num_hiddens):
    """You convert to float64 at the end, when the digits are gone. Where are the angles computed?"""
    return _shift_matrix(delta, num_hiddens).float().double()


def float32_returned(delta, num_hiddens):
    """Your matrix is float32. Which dtype was asked for?"""
    return _shift_matrix(delta, num_hiddens).float()


def blocks_not_joined(delta, num_hiddens):
    """You return the blocks of all pairs in a stack. Where do they go in one large matrix?"""
    M = _shift_matrix(delta, num_hiddens)
    return torch.stack([M[i : i + 2, i : i + 2] for i in range(0, num_hiddens, 2)])


def always_one_step(delta, num_hiddens):
    """Your matrix takes one step, however many are asked for. Where does delta enter?"""
    return _shift_matrix(1, num_hiddens)
