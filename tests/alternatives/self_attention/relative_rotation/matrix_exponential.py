"""Every step multiplies by the same small rotation, so the matrix is the exponential of delta times a generator."""

import torch


def shift_matrix(delta, num_hiddens):
    generator = torch.zeros(num_hiddens, num_hiddens, dtype=torch.float64)
    even = torch.arange(0, num_hiddens, 2)
    speed = torch.pow(10000.0, -even.to(torch.float64) / num_hiddens)
    generator[even, even + 1] = speed
    generator[even + 1, even] = -speed
    return torch.linalg.matrix_exp(delta * generator)
